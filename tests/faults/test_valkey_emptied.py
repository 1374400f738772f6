"""Valkey may lose everything: the view is refilled from the log."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import Any

import pytest
from redis import asyncio as aioredis

from tests.faults.frail import TIMES, Frail
from tests.faults.load import FULL, Load
from tests.support.chat import until
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

PAUSE = 20.0


async def test_an_emptied_valkey_is_filled_while_messages_come(standing: Frail) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann, Listener(chat, "ben") as ben:
        room = await ann.open_room("ben")
        for i in range(20):
            if i == 10:
                async with aioredis.from_url(chat.settings.redis) as redis:
                    await redis.flushall()
            await ann.say(room, f"{i}")
        await ben.until(lambda: len(ben.messages(room)) == 20)
        assert ben.messages(room) == [str(i) for i in range(20)]
        async with Listener(chat, "ben", ben.hello["cursor"]) as again:
            await again.until(lambda: len(again.messages(room)) == 20)
            assert again.hello["recovered"] is True


async def test_an_emptied_valkey_is_filled_while_nobody_writes(standing: Frail) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        await ann.say(room, "still here")
        async with aioredis.from_url(chat.settings.redis) as redis:
            await redis.flushall()

        async def there() -> dict[str, Any] | None:
            status, answer = await ann.get(f"/v1/rooms/{room}")
            assert status in (200, 503), answer  # at no time is there no such room
            return answer if status == 200 else None

        answer = await until(there)
        assert (answer["n"], answer["seq"]) == (3, 1)
        assert [member["user"] for member in answer["members"]] == ["ann", "ben"]


async def test_valkey_killed_and_started_empty_costs_no_event(standing: Frail) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann, Listener(chat, "ben") as ben:
        room = await ann.open_room("ben")
        await ann.say(room, "before")
        await ben.until(lambda: ben.messages(room) == ["before"])
        standing.valkey.kill()
        status, accepted = await ann.post(
            f"/v1/rooms/{room}/messages", {"text": "meanwhile"}, Prefer="wait=1"
        )
        assert status == 202, accepted
        await standing.valkey.start()
        await ben.until(lambda: ben.messages(room) == ["before", "meanwhile"])
        await ann.say(room, "after")
        await ben.until(lambda: ben.messages(room) == ["before", "meanwhile", "after"])


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_valkey_is_emptied_paused_and_killed_under_load(frail: Frail) -> None:
    harms = [emptied, paused, killed] * TIMES
    random.shuffle(harms)
    async with Load(frail.chat, FULL) as load:
        for harm in harms:
            await load.moment()
            await harm(frail)
            await frail.back(load, f"Valkey was {harm.__name__}")
        await load.steady(4)
    await frail.unharmed(load)


async def emptied(frail: Frail) -> None:
    async with aioredis.from_url(frail.chat.settings.redis) as redis:
        await redis.flushall()


async def paused(frail: Frail) -> None:
    frail.valkey.child.send(signal.SIGSTOP)
    await asyncio.sleep(PAUSE)
    frail.valkey.child.send(signal.SIGCONT)


async def killed(frail: Frail) -> None:
    """And an empty one comes in its place."""
    frail.valkey.kill()
    await frail.valkey.start()
