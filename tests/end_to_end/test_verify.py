"""Tables, view and history agree, and `parley verify` finds where they do not."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import asyncio as aioredis

from app.delivery import keys
from app.topics import partition_of
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.web.api.test_chat import call

PEOPLE = ("ann", "ben", "cid", "dot")
SEED = 7


async def anything(person: Person, room: str, chance: random.Random) -> None:
    """Something that somebody might do; much of it is refused."""
    one, other = chance.randint(1, 12), chance.choice(PEOPLE)
    messages, members = f"/v1/rooms/{room}/messages", f"/v1/rooms/{room}/members"
    text = chance.choice(["hello", f"@{other} look", "@room", f"`@{other}`"])
    steps = [
        ("POST", messages, {"text": text}),
        ("POST", messages, {"text": text}),
        ("POST", messages, {"text": text}),
        ("PATCH", f"{messages}/{one}", {"text": text}),
        ("DELETE", f"{messages}/{one}", None),
        ("PUT", f"{messages}/{one}/reactions/%F0%9F%91%8D", None),
        ("PUT", f"/v1/rooms/{room}/read", {"seq": one}),
        ("PUT", f"/v1/rooms/{room}/read", {"seq": one}),
        ("POST", members, {"user": other}),
        ("DELETE", f"{members}/{other}", None),
        ("PATCH", f"{members}/{other}", {"role": chance.choice(["member", "moderator"])}),
    ]
    method, path, body = chance.choice(steps)
    status, _ = await call(person, method, path, body)
    assert status < 500


async def live(chat: Chat, steps: int) -> list[str]:
    """Some people with two devices each, doing anything in three rooms at once."""
    chance = random.Random(SEED)
    async with Person(chat, "ann") as ann:
        rooms = [await ann.open_room("ben", "cid") for _ in range(3)]

    async def device(user: str, seed: int) -> None:
        own = random.Random(seed)
        async with Person(chat, user) as person:
            for _ in range(steps):
                await anything(person, own.choice(rooms), own)

    await asyncio.gather(*(device(user, chance.random().__hash__()) for user in PEOPLE * 2))
    return rooms


@pytest.mark.timeout(240)
async def test_after_anything_everything_agrees(alone: Chat) -> None:
    await live(alone, 60)
    status, told = await alone.parley("verify")
    assert status == 0, told
    assert "all agree" in told


async def test_what_does_not_agree_is_named_and_rebuilt(alone: Chat) -> None:
    async with Person(alone, "ann") as ann:
        room = await ann.open_room("ben")
        for i in range(3):
            await ann.say(room, f"{i}")
    partition = partition_of(room, alone.settings.partitions)
    async with aioredis.from_url(alone.settings.redis) as redis:
        await redis.hset(keys.read(partition, room), "ben", 2)
        await redis.zadd(keys.gone(partition, room), {"3": 3})
    status, told = await alone.parley("verify", "--room", room)
    assert status == 1
    assert f"{room}: Valkey has ben at 2, the log at 0" in told
    status, told = await alone.parley("rebuild")
    assert status == 0, told
    status, told = await alone.parley("verify")
    assert status == 0, told


async def test_altered_messages_are_named_and_made_anew_from_the_log(alone: Chat) -> None:
    async with Person(alone, "ann") as ann:
        room = await ann.open_room("ben")
        said = [f"message {number}" for number in range(4)]
        for text in said:
            await ann.say(room, text)
        before = await settled(ann, room, said)
        alter(
            alone,
            room,
            {
                1: "event = replace(event, 'message 0', 'forged words')",
                2: """event = replace(event, '"text"', '"deleted":true,"text"')""",
                4: "seq = 9",  # a row whose event has another number
            },
        )
        async with aioredis.from_url(alone.settings.redis) as redis:
            await redis.hdel(keys.rooms_of("ben"), room)
        status, told = await alone.parley("verify", "--room", room)
        assert status == 1
        assert f"{room}: history has another text of message 1 than the log" in told
        assert f"{room}: history has message 2 as deleted, the log has not" in told
        assert f"{room}: Valkey lacks the room among those of ben" in told
        status, told = await alone.parley("rebuild")
        assert status == 0, told
        status, told = await alone.parley("verify", "--room", room)
        assert status == 0, told
        assert await ann.history(room) == before


def alter(chat: Chat, room: str, changes: dict[int, str]) -> None:
    """Change the stored messages of a room, by `seq`."""
    with closing(sqlite3.connect(chat.settings.data / "history.db", timeout=10)) as store:
        for seq, change in changes.items():
            where = "WHERE room = ? AND seq = ?"
            store.execute(f"UPDATE parley_messages SET {change} {where}", (room, seq))
        store.commit()


async def settled(person: Person, room: str, said: list[str]) -> list[dict[str, Any]]:
    """The room's messages as soon as the store has them."""

    async def found() -> list[dict[str, Any]]:
        messages = await person.history(room)
        return messages if [one["text"] for one in messages] == said else []

    messages: list[dict[str, Any]] = await until(found, within=20)
    return messages


async def test_a_history_store_that_is_gone_is_brought_back(alone: Chat) -> None:
    store = Path(alone.settings.data) / "other.db"
    other = f"sqlite+aiosqlite:///{store}"
    os.environ["PARLEY_HISTORY"] = other
    try:
        status, told = await alone.parley("rebuild", "--no-view")
        assert status == 0, told
        status, told = await alone.parley("verify")
        assert status == 0, told
    finally:
        del os.environ["PARLEY_HISTORY"]


async def test_who_is_forgotten_stays_forgotten(alone: Chat) -> None:
    async with Person(alone, "ann") as ann, Person(alone, "fay") as fay:
        room = await ann.open_room("fay")
        await fay.say(room, "my secret")
        await fay.say(room, "another secret")
        await call(fay, "PATCH", f"/v1/rooms/{room}/messages/1", {"text": "my edited secret"})
        await call(ann, "PATCH", f"/v1/rooms/{room}/messages/2", {"text": "her secret, told"})
        await ann.say(room, "hello")
        status, told = await alone.parley("forget", "fay")
        assert status == 0, told
        assert "history: 2 messages erased" in told
        assert "Kafka, chat.raw:" in told
        assert "Kafka, chat.log: 3 records of theirs, for ever" in told
        assert await secrets(ann, room) == []
        async with aioredis.from_url(alone.settings.redis) as redis:
            await redis.flushall()
        status, told = await alone.parley("rebuild")
        assert status == 0, told
        assert await secrets(ann, room) == []
        await fay.say(room, "a new one")
        assert len(await secrets(ann, room, "a new one")) == 1
        status, told = await alone.parley("verify")
        assert status == 0, told


async def secrets(person: Person, room: str, text: str = "secret") -> list[object]:
    """What of history, room list and the stream's window still has the text."""
    _, sync = await person.post("/v1/sync", {"rooms": {room: 0}})
    _, shown = await person.get(f"/v1/rooms/{room}")
    seen = [*(await person.history(room)), *sync["rooms"][room]["events"], shown["last"]]
    return [one for one in seen if text in str(one) and "seq" in one][:1]
