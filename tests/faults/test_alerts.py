"""The alert rules fire for real faults, in a real Prometheus that watches a whole Parley."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from redis import asyncio as aioredis

from app.delivery import keys
from app.embedded.ports import free_port
from app.topics import RAW, partition_of
from tests.faults.frail import Frail
from tests.metrics.prometheus import prometheus
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.slow]

#: More than the resets that the rule takes for an accident.
READERS = 15


@pytest.mark.timeout(300)
async def test_each_fault_is_told_by_its_alert(frail: Frail, tmp_path: Path) -> None:
    chat, port = frail.chat, free_port()
    other = await chat.start_edge(prometheus_port=port)
    async with (
        prometheus(tmp_path, chat.metrics[0], f"127.0.0.1:{port}") as watching,
        aioredis.from_url(frail.valkey.url) as redis,
        Person(chat, "ann") as ann,
    ):
        room = await ann.open_room()
        await watching.quiet()

        async with AIOKafkaProducer(bootstrap_servers=chat.settings.bootstrap) as producer:
            await producer.send_and_wait(RAW, b"no command", partition=0)
        await watching.fires("ParleyDeadLetters")

        await redis.config_set("maxmemory", 1)
        for text in ("one", "two", "three"):
            path = f"/v1/rooms/{room}/messages"
            assert (await ann.post(path, {"text": text}, Prefer="wait=0"))[0] == 202
        await watching.fires("ParleyValkeyFull", "ParleyValkeyAway")
        await redis.config_set("maxmemory", 0)

        history = sqlite3.connect(chat.settings.data / "history.db", isolation_level=None)
        history.execute("BEGIN EXCLUSIVE")
        await ann.say(room, "four", wait=20)
        await watching.fires("ParleyHistoryAway")
        history.execute("COMMIT")
        history.close()

        status, answer = await ann.get("/v1/events")
        assert status == 200, answer
        await ann.say(room, "five", wait=20)
        await redis.delete(keys.log(partition_of(room, chat.settings.partitions), room))
        async with AsyncExitStack() as streams:
            readers = [Listener(chat, "ann", answer["cursor"], url=other) for _ in range(READERS)]
            await asyncio.gather(*map(streams.enter_async_context, readers))
        await watching.fires("ParleyResetsRising")

        chat.workers[0].kill()
        await watching.fires("ParleyTargetDown", "ParleyGroupDown")
