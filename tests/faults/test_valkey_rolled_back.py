"""Valkey may come back older than it was: what it lost is noticed, and restored."""

from __future__ import annotations

from typing import Any

import pytest
from redis import asyncio as aioredis

from tests.faults.frail import NEVER, Frail
from tests.support.chat import until
from tests.support.listener import Listener
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


async def test_read_marks_that_were_rolled_back_are_restored(frail: Frail) -> None:
    """No event of the log is lost, so that the log's own position says nothing of it."""
    chat = frail.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        for text in ("one", "two", "three"):
            await ann.say(room, text)
        await read(ben, room, 1)
        await save(frail)
        await read(ben, room, 3)
        assert await unread(ben, room) == (0, 3)
        await roll_back(frail)

        async def restored() -> bool:
            return await unread(ben, room) == (0, 3)

        await until(restored, chat.workers[0].tail, within=NEVER)
        assert await unread(ann, room) == (0, 3)


async def test_presence_that_was_rolled_back_is_restored(frail: Frail) -> None:
    chat = frail.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        await ann.open_room("ben")

        async def online() -> bool:
            _, answer = await ann.get("/v1/presence", user="ben")
            return bool(answer.get("presence", {}).get("ben", {}).get("status") == "online")

        assert await ben.get("/v1/rooms")
        await save(frail)
        async with Listener(chat, "ben"):
            await until(online)
            await roll_back(frail)
            await until(online, chat.workers[0].tail, within=NEVER)
