"""Three brokers: one may die unnoticed; without a second, sends fail visibly, and then resume."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from app.embedded.kafka import Kafka, Quorum
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.kafka.admin import connected
from app.settings import Settings
from app.topics import RAW
from tests.conftest import SECRET
from tests.faults.frail import Frail, Resumed
from tests.faults.load import FULL, Load
from tests.support.chat import Chat, data_folder

pytestmark = [pytest.mark.faults, pytest.mark.long]

BROKERS = 3
#: Sends to each room while nobody may take them.
PROBES = 3


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


async def leader(chat: Chat, brokers: list[Kafka]) -> Kafka:
    """The broker that leads the most partitions of `chat.raw`, and so takes the most sends."""
    async with connected(chat.settings, within=30) as admin:
        [topic] = await admin.describe_topics([RAW])
    [(node, _)] = Counter(each["leader"] for each in topic["partitions"]).most_common(1)
    return brokers[node - 1]


async def answers(chat: Chat, rooms: Iterable[str]) -> set[tuple[int, str]]:
    """What a send to each of the rooms is answered with."""
    async with aiohttp.ClientSession(chat.url, headers=chat.headers("owner")) as http:

        async def send(room: str) -> tuple[int, str]:
            wish = {"text": "nobody may take this", "client_id": uuid4().hex}
            async with http.post(f"/v1/rooms/{room}/messages", json=wish) as answer:
                return answer.status, (await answer.json(content_type=None)).get("code", "")

        return set(await asyncio.gather(*map(send, rooms)))


@pytest.mark.timeout(600)
async def test_the_leader_of_three_brokers_is_killed_and_then_the_next(
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
                await load.moment()
                first = await leader(chat, brokers)
                first.kill()
                await frail.back(load, "kill -9 of the leader of three brokers")
                await load.moment()
                second = await leader(chat, brokers)
                second.kill()
                for _ in range(PROBES):
                    assert await answers(chat, load.people) == {(503, "unreachable")}
                await asyncio.gather(first.start(), second.start())
                await frail.back(load, "two of three brokers are back")
                # Partitions have other leaders by now, which have to be found once more.
                await load.moment()
                (await leader(chat, brokers)).kill()
                await frail.back(load, "kill -9 of the next leader of three brokers")
                await load.steady(4)
            await frail.unharmed(load)
        finally:
            await chat.stop()
