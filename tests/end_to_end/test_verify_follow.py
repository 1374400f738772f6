"""`parley verify --follow` names what differs within seconds, and no lag."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from redis import asyncio as aioredis

from app.delivery import keys
from app.embedded.ports import free_port
from app.history.store import History
from app.operations.verify_follow import Follower
from app.operations.verify_rooms import Difference
from app.topics import partition_of
from tests.support.chat import Chat, until
from tests.support.person import Person


@asynccontextmanager
async def following(chat: Chat, room: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = ("verify", "--follow", "--json", "--room", room)
    process = await chat.command(*arguments, PARLEY_PROMETHEUS_PORT=str(port))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def next_difference(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next line of JSON; others are of the log."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while line := await process.stdout.readline():
            if line.startswith(b"{"):
                found: dict[str, Any] = json.loads(line)
                return found
    raise AssertionError("it has ended")


async def archived(chat: Chat, room: str, n: int) -> None:
    store = History(chat.settings.history_url)
    await until(lambda: _has(store, room, n))
    await store.close()


async def _has(store: History, room: str, n: int) -> bool:
    return (await store.newest_events([room])).get(room, 0) >= n


async def metrics(port: int) -> dict[str, float]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as got:
        lines = [line.rpartition(" ") for line in (await got.text()).splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


async def test_what_is_changed_on_purpose_is_named_and_told_when_it_is_mended(
    shared_chat: Chat,
) -> None:
    chat, port = shared_chat, free_port()
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        for i in range(3):
            last = await ann.say(room, f"{i}")
    await archived(chat, room, last["n"])
    place = keys.read(partition_of(room, chat.settings.partitions), room)
    async with (
        following(chat, room, port) as process,
        aioredis.from_url(chat.settings.redis) as redis,
    ):
        await redis.hset(place, "ben", 2)
        told = await next_difference(process)
        assert (told["kind"], told["room"], told["gone"]) == ("view", room, False)
        assert "Valkey has ben at 2, the log at 0" in told["text"]
        assert "unread for ben" in (await next_difference(process))["text"]
        await redis.hset(place, "ben", 0)
        assert [(await next_difference(process))["gone"] for _ in range(2)] == [True, True]

        with sqlite3.connect(chat.settings.data / "history.db") as store:
            store.execute("delete from parley_messages where room = ? and seq = 2", (room,))
        told = await next_difference(process)
        assert (told["kind"], told["gone"]) == ("history", False)
        assert told["text"] == "history has message 3 after 1"

        seen = await metrics(port)
        assert seen['parley_verify_differences_total{kind="view"}'] == 2
        assert seen['parley_verify_differences_total{kind="history"}'] == 1
        assert seen['parley_verify_differences_total{kind="log"}'] == 0
        assert seen["parley_verify_open_differences"] == 1
        assert seen["parley_verify_behind_seconds"] < 10
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_under_load_no_lag_is_named_and_every_change_is_compared(shared_chat: Chat) -> None:
    chat = shared_chat
    told: list[Difference] = []
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        follower = Follower(chat.settings, lambda one, _: told.append(one), room)
        running = asyncio.create_task(follower.run())

        async def speak(person: Person, count: int) -> None:
            for i in range(count):
                said = await person.say(room, f"@ann {i}")
                path = f"/v1/rooms/{room}/messages/{said['seq']}"
                if i % 5 == 0:
                    async with person.http.delete(path) as gone:
                        assert gone.status == 200
                if i % 3 == 0:
                    body = {"seq": said["seq"]}
                    async with person.http.put(f"/v1/rooms/{room}/read", json=body) as read:
                        assert read.status == 200

        await asyncio.gather(*(speak(one, 60) for one in (ann, ben, ann, ben)))

        async def compared() -> bool:
            return follower.behind == 0 and follower.compared > 0

        await until(compared)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert told == []
