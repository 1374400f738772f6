"""Subscriptions whose readers pull: by long-poll and by Server-Sent Events, on real parts."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from redis import asyncio as aioredis

from app.runtime.dev_tokens import mint
from tests.support.chat import Chat, until
from tests.support.person import Person

pytestmark = pytest.mark.timeout(180)


class Reader:
    """A service that pulls the events of a subscription."""

    def __init__(self, http: aiohttp.ClientSession, name: str, reader: str, url: str) -> None:
        self._http = http
        self._path = f"{url}/v1/subscriptions/{name}"
        self._reader = reader
        self.taken: list[dict[str, Any]] = []

    async def poll(self, *, wait: int = 2, limit: int = 100, ack: bool = True) -> list[Any]:
        """One poll; with `ack` its events are acknowledged."""
        query = {"reader": self._reader, "wait": f"{wait}", "limit": f"{limit}"}
        async with self._http.get(f"{self._path}/events", params=query) as answer:
            assert answer.status == 200, await answer.text()
            events: list[dict[str, Any]] = (await answer.json())["events"]
        self.taken += events
        if ack and events:
            await self.acknowledge([event["cursor"] for event in events])
        return events

    async def acknowledge(self, cursors: list[str]) -> None:
        """These are done."""
        async with self._http.post(f"{self._path}/ack", json={"cursors": cursors}) as answer:
            assert answer.status == 200, await answer.text()

    async def poll_until(self, texts: set[str]) -> None:
        """Poll until all these texts have come."""
        async with asyncio.timeout(60):
            while not texts <= {event["data"].get("text") for event in self.taken}:
                await self.poll()

    def texts(self, room: str) -> list[str]:
        """The texts of a room in the order in which they came, doubles among them."""
        return [
            event["data"]["text"]
            for event in self.taken
            if event["type"] == "message.created" and event["data"]["room"] == room
        ]


@asynccontextmanager
async def pulled(chat: Chat, **fields: Any) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A session of an admin's, and a subscription to be pulled."""
    token = mint(chat.settings, "service", admin=True)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        url = f"{chat.url}/v1/subscriptions"
        async with http.post(url, json=fields) as answer:
            assert answer.status == 201, await answer.text()
            name = (await answer.json())["id"]
        yield http, name
        async with http.delete(f"{url}/{name}") as answer:
            assert answer.status == 204


async def shared(chat: Chat, name: str, readers: int) -> bool:
    """Whether so many readers have partitions, and each partition has a reader."""
    redis = aioredis.from_url(chat.settings.redis)
    try:
        owners = await redis.hgetall(f"pull:{{{name}}}:owners")
    finally:
        await redis.aclose()
    return len(owners) == chat.settings.partitions and len(set(owners.values())) == readers


async def test_what_is_not_acknowledged_comes_again_and_the_rest_does_not(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        async with pulled(chat, rooms=[room], kinds=["message.*"]) as (http, name):
            for number in range(6):
                await ann.say(room, f"{number}")
            first = Reader(http, name, "first", chat.url)
            async with asyncio.timeout(60):
                while len(first.taken) < 6:
                    await first.poll(ack=False)
            assert first.texts(room) == [f"{number}" for number in range(6)]
            await first.acknowledge([first.taken[2]["cursor"]])
            # Another reader gets the partition when the first one asks no more.
            second = Reader(http, name, "second", chat.url)
            await second.poll_until({"5"})
            assert second.texts(room) == ["3", "4", "5"]
            assert [e["id"] for e in second.taken] == [e["id"] for e in first.taken[3:]]


async def test_readers_share_the_rooms_and_each_room_stays_in_order(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        rooms = [await ann.open_room() for _ in range(12)]
        async with pulled(chat, rooms=rooms, kinds=["message.created"]) as (http, name):
            readers = [Reader(http, name, f"reader-{number}", chat.url) for number in range(3)]
            stop = asyncio.Event()

            async def work(reader: Reader) -> None:
                while not stop.is_set():
                    await reader.poll(wait=1)

            working = [asyncio.create_task(work(reader)) for reader in readers]
            await until(lambda: shared(chat, name, len(readers)), within=60)
            for number in range(5):
                for room in rooms:
                    await ann.say(room, f"{number}")

            async def whole() -> bool:
                return sum(len(reader.taken) for reader in readers) >= 60

            await until(whole, within=60)
            stop.set()
            await asyncio.gather(*working)
            for room in rooms:
                of_room = [reader.texts(room) for reader in readers if reader.texts(room)]
                assert of_room == [[f"{number}" for number in range(5)]]
            assert all(reader.taken for reader in readers)


async def test_a_stream_has_each_event_with_its_cursor_as_id(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        async with pulled(chat, rooms=[room]) as (http, name):
            path = f"{chat.url}/v1/subscriptions/{name}/events"
            accept = {"Accept": "text/event-stream"}
            async with http.get(path, headers=accept) as stream:
                await ann.say(room, "streamed")
                async with asyncio.timeout(30):
                    block = b""
                    while b"streamed" not in block:
                        block = await stream.content.readuntil(b"\n\n")
            found = re.fullmatch(r"event: (.+)\ndata: (.+)\nid: (.+)\n\n", block.decode())
            assert found is not None
            event = json.loads(found[2])
            assert (found[1], found[3]) == ("message.created", event["cursor"])
            assert event["data"]["text"] == "streamed"


async def test_bad_cursors_and_parameters_are_told(chat: Chat) -> None:
    async with pulled(chat) as (http, name):
        path = f"{chat.url}/v1/subscriptions/{name}"
        for cursor in ("", "log", "log-1-2-3", "none-0-0-0-0", "log-99-0-0-0", "log-0-0-0-x"):
            async with http.post(f"{path}/ack", json={"cursors": [cursor]}) as answer:
                assert answer.status == 400
                assert "no cursor of a pulled event" in (await answer.json())["detail"]
        for query in ("limit=0x", "limit=1001", "wait=61", "reader="):
            async with http.get(f"{path}/events?{query}") as answer:
                assert answer.status == 400, query
                assert (await answer.json())["code"] == "parameter"


async def test_a_cursor_beyond_the_newest_event_is_refused_and_nothing_is_lost(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        async with pulled(chat, kinds=["message.created"], rooms=[room]) as (http, name):
            reader = Reader(http, name, "one", chat.url)
            await ann.say(room, "one")
            await reader.poll_until({"one"})
            topic, partition, epoch, pos, offset = reader.taken[0]["cursor"].split("-")
            path = f"{chat.url}/v1/subscriptions/{name}/ack"
            far = 10**9
            for cursor in (
                f"{topic}-{partition}-{epoch}-{far}-{far}",
                f"{topic}-{partition}-{epoch}-{far}-{offset}",
                f"{topic}-{partition}-{int(epoch) + 1}-{pos}-{offset}",
            ):
                async with http.post(path, json={"cursors": [cursor]}) as answer:
                    assert answer.status == 400, cursor
                    assert "beyond the newest event" in (await answer.json())["detail"]
            await ann.say(room, "two")
            await reader.poll_until({"one", "two"})


async def test_what_no_reader_has_asked_for_is_behind(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        async with pulled(chat, rooms=[room]) as (http, name):
            path = f"{chat.url}/v1/subscriptions/{name}"
            await ann.say(room, "one")

            async def behind() -> bool:
                async with http.get(path) as answer:
                    state = await answer.json()
                return state["behind"] >= 1 and state["behind_since_ms"] is not None

            await until(behind)
            code, told = await chat.parley("subscriptions", "show", name)
            assert code == 0, told
            assert "records not acknowledged" in told
            code, told = await chat.parley("subscriptions", "test", name)
            assert code == 1
            assert "is pulled: there is no URL" in told


async def test_an_empty_url_is_no_way_to_pull(chat: Chat) -> None:
    token = mint(chat.settings, "service", admin=True)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
        http.post(f"{chat.url}/v1/subscriptions", json={"url": ""}) as answer,
    ):
        assert answer.status == 400
        assert "leave it out" in (await answer.json())["detail"]
