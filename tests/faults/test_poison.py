"""A record that can't be processed, in any topic, stops no other: it is a dead letter."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import pytest
from aiokafka.errors import UnknownError
from redis import asyncio as aioredis

from app.kafka.admin import connected, partition_counts
from app.topics import LOG, TOPICS
from tests.faults import poison
from tests.faults.frail import Frail
from tests.faults.load import Load
from tests.faults.poison import Poison, Poisoner
from tests.support.chat import Chat, until

pytestmark = pytest.mark.faults

_COMPACTED = {topic.name for topic in TOPICS if "compact" in topic.config["cleanup.policy"]}


def test_every_topic_has_its_poison() -> None:
    assert set(poison.TOPICS) == {topic.name for topic in TOPICS}


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_poison_in_every_topic_stops_nobody(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat) as load:
        await load.steady(1)
        dead = await poisoned(chat)
        await frail.back(load, "poison in every topic")
        await load.steady(1)
        assert chat.workers[0].running
        # A worker that has lost everything reads all of it again, from the beginning.
        chat.workers[0].kill()
        shutil.rmtree(chat.settings.data / "workers")
        async with aioredis.from_url(chat.settings.redis) as redis:
            await redis.flushall()
        chat.start_worker("w1")
        chat.workers.pop(0)
        await frail.back(load, "poison in all that is read again")
        await load.steady(1)
        assert chat.workers[0].running
    await frail.unharmed(load)
    await until(lambda: _listed(chat, dead), chat.workers[0].tail, within=60)
    code, told = await chat.parley("rebuild")
    assert code == 0, told
    await frail.unharmed(load)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_event_beyond_the_next_stops_nobody_and_is_told(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat) as load:
        await load.steady(1)
        rooms = list(load.people)[:3]
        dead = set()
        async with Poisoner(chat.settings.bootstrap) as poisoner:
            for room in rooms:
                partition = poison.partition_of(room, chat.settings.partitions)
                for n in (10_000, 10_001):
                    name = await poisoner.write(LOG, partition, poison.beyond(room, n))
                    dead.add(f"{name}@parley-fan_out")
        await frail.back(load, "events beyond the next")
        async with aioredis.from_url(chat.settings.redis) as redis:
            await redis.flushall()
        await frail.back(load, "events beyond the next, read again")
        await load.steady(1)
        assert chat.workers[0].running
        await until(lambda: _listed(chat, dead), chat.workers[0].tail, within=60)
    found = [fault for fault in load.faults() if "history" not in fault]
    assert not found, "\n".join(found)
    code, told = await chat.parley("verify")
    assert code == 1
    for room in rooms:
        assert f"{room}: log: event 10000 follows" in told


async def poisoned(chat: Chat) -> set[str]:
    """Poison each partition of all topics; what has to be in `chat.dead` for it."""
    partitions = chat.settings.partitions
    dead: set[str] = set()
    async with connected(chat.settings, within=15) as admin:
        logs = [name for name in await partition_counts(admin) if name.endswith("-changelog")]
    async with Poisoner(chat.settings.bootstrap) as poisoner:
        for partition in range(partitions):
            for topic in poison.TOPICS:
                group = poison.BURIED_BY.get(topic)
                found = await _write(poisoner, topic, partition, poison.garbage())
                strays = poison.wrong_partition(topic, partition, partitions)
                lost = await _write(poisoner, topic, partition, strays)
                dead |= {f"{name}@{group}" for name in found if group}
                if topic not in poison.ANYWHERE:
                    dead |= {f"{name}@{group}" for name in lost if group}
            for topic in logs:
                await _write(poisoner, topic, partition, poison.in_changelogs())
    return dead


async def _write(
    poisoner: Poisoner, topic: str, partition: int, poisons: Iterable[Poison]
) -> list[str]:
    names = []
    for one in poisons:
        try:
            names.append(await poisoner.write(topic, partition, one))
        except UnknownError:  # Kafka itself wants a key where it compacts.
            assert one.key is None
            assert topic in _COMPACTED
    return names


async def _listed(chat: Chat, wanted: set[str]) -> bool:
    _, told = await chat.parley("dead", "list")
    found = {line.split()[1] for line in told.splitlines() if "@" in line}
    return wanted <= found
