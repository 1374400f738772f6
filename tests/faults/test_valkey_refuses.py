"""Valkey may refuse writes: the pipeline goes on, and Valkey gets everything when it takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis import asyncio as aioredis

from app.history.store import History
from tests.faults.frail import Frail
from tests.support.chat import until
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

#: What each refusal is made with, and what ends it.
REFUSALS = {
    "NOREPLICAS": {"min-replicas-to-write": (1, 0)},
    "OOM": {"maxmemory": (1, 0)},
}


@asynccontextmanager
async def refusing(frail: Frail, code: str) -> AsyncIterator[None]:
    async with aioredis.from_url(frail.valkey.url) as redis:
        for name, (value, _) in REFUSALS[code].items():
            await redis.config_set(name, value)
        yield
        for name, (_, value) in REFUSALS[code].items():
            await redis.config_set(name, value)


@pytest.mark.parametrize("code", REFUSALS)
async def test_the_pipeline_goes_on_while_valkey_refuses(standing: Frail, code: str) -> None:
    chat = standing.chat
    worker = chat.workers[0]
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as own:
        room = await ann.open_room("ben")
        await ann.say(room, "before")
        await own.until(lambda: own.messages(room) == ["before"])
        history = History(chat.settings.history_url)
        async with refusing(standing, code), Listener(chat, "ben") as ben:
            path = f"/v1/rooms/{room}/messages"
            status, _ = await ann.post(path, {"text": "meanwhile"}, Prefer="wait=0")
            assert status == 202
            async with ann.http.put(
                f"/v1/rooms/{room}/read", json={"seq": 1}, headers={"Prefer": "wait=0"}
            ) as answer:
                assert answer.status in (200, 202)

            async def archived() -> bool:
                return await history.newest_seq(room) == 2

            async def told() -> bool:
                return f"Valkey: {code}" in worker.log.read_text()

            await until(archived, worker.tail)
            await until(told, worker.tail)
            assert worker.exit_code is None, worker.tail()
            assert ben.messages(room) == []
        await history.close()
        await own.until(lambda: own.messages(room) == ["before", "meanwhile"])
        assert f"Valkey: {code}" in worker.log.read_text()
