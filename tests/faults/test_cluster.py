"""Three brokers: one may die unnoticed; without a second, sends fail visibly, and then resume."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from app.embedded.kafka import Kafka, Quorum
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.chat import Chat, data_folder
from tests.conftest import SECRET
from tests.faults.frail import Frail, Resumed
from tests.faults.load import FULL, Load

pytestmark = [pytest.mark.faults, pytest.mark.long]

BROKERS = 3


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[list[Kafka]]:
    """Brokers with a replica of everything each."""
    quorum = Quorum([free_port() for _ in range(BROKERS)])
    brokers = [
        Kafka(folder / f"kafka-{node}", node=node, quorum=quorum) for node in range(1, BROKERS + 1)
    ]
    async with AsyncExitStack() as stack:
        # None answers before most of them are there.
        await asyncio.gather(*(stack.enter_async_context(broker) for broker in brokers))
        yield brokers


async def refused(chat: Chat) -> tuple[int, str]:
    """What a send is answered with."""
    async with aiohttp.ClientSession(chat.url, headers=chat.headers("owner")) as http:
        wish = {"text": "nobody may take this", "client_id": "refused"}
        async with http.post("/v1/rooms/room-0/messages", json=wish) as answer:
            return answer.status, (await answer.json(content_type=None)).get("code", "")


@pytest.mark.timeout(600)
async def test_two_of_three_brokers_are_killed_one_after_the_other(
    tmp_path: Path, resumed: Resumed
) -> None:
    async with cluster(tmp_path) as brokers, Valkey(tmp_path / "valkey") as valkey:
        bootstrap = "kafka://" + ",".join(broker.address for broker in brokers)
        own = {"broker": bootstrap, "redis": valkey.url, "data": data_folder(tmp_path)}
        chat = Chat(Settings(**own, secret=SECRET, replication=BROKERS, min_insync=2))
        frail = Frail(brokers[0], valkey, chat, resumed)
        try:
            await chat.start()
            async with Load(chat, FULL) as load:
                await load.steady(4)
                brokers[0].kill()
                await frail.back(load, "kill -9 of one of three brokers")
                brokers[1].kill()
                status, code = await refused(chat)
                assert (status, code) == (503, "unreachable")
                await asyncio.gather(brokers[0].start(), brokers[1].start())
                await frail.back(load, "two of three brokers are back")
                await load.steady(4)
            await frail.unharmed(load)
        finally:
            await chat.stop()
