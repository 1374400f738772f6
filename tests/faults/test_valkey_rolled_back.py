"""Valkey may come back older than it was: what it lost is noticed, and restored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from redis import asyncio as aioredis

from tests.faults.follower import Follower
from tests.faults.frail import NEVER, Frail
from tests.support.chat import Chat, until
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


async def save(frail: Frail) -> None:
    async with aioredis.from_url(frail.valkey.url) as redis:
        await redis.save()


async def roll_back(frail: Frail) -> None:
    """Valkey has what it had at the last `save`."""
    frail.valkey.kill()
    await frail.valkey.start()


async def unread(person: Person, room: str) -> Any:
    """How many messages are unread, and up to which `seq` is read; `None` while it is not known."""
    status, answer = await person.get(f"/v1/rooms/{room}")
    return (answer["unread"], answer["read"]) if status == 200 else None


async def read(person: Person, room: str, seq: int) -> None:
    async with person.http.put(f"/v1/rooms/{room}/read", json={"seq": seq}) as answer:
        assert answer.status == 200, await answer.text()


async def test_read_marks_that_were_rolled_back_are_restored(standing: Frail) -> None:
    """No event of the log is lost, so that the log's own position says nothing of it."""
    chat = standing.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        for text in ("one", "two", "three"):
            await ann.say(room, text)
        await read(ben, room, 1)
        await save(standing)
        await read(ben, room, 3)
        assert await unread(ben, room) == (0, 3)
        await roll_back(standing)

        async def restored() -> bool:
            return await unread(ben, room) == (0, 3)

        await until(restored, chat.workers[0].tail, within=NEVER)
        assert await unread(ann, room) == (0, 3)


@asynccontextmanager
async def following(chat: Chat, user: str) -> AsyncIterator[None]:
    """A stream that comes back when an edge ends it, as one may that has no Valkey for a while."""
    async with aiohttp.ClientSession() as http:
        task = asyncio.create_task(Follower(chat, user, http, {}, poll=False).follow())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_presence_that_was_rolled_back_is_restored(standing: Frail) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        await ann.open_room("ben")

        async def online() -> bool:
            _, answer = await ann.get("/v1/presence", user="ben")
            return bool(answer.get("presence", {}).get("ben", {}).get("status") == "online")

        assert await ben.get("/v1/rooms")
        await save(standing)
        async with following(chat, "ben"):
            await until(online)
            await roll_back(standing)
            await until(online, chat.workers[0].tail, within=NEVER)
