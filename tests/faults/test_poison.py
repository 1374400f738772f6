"""A record that can't be used, in any topic, stops nobody and is kept with the reason."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer

from app.topics import CONNECTIONS, LOG, MODERATED, RAW, RECEIPTS, VERDICTS
from tests.chat import until
from tests.faults.frail import Frail
from tests.faults.load import FULL, Load

pytestmark = [pytest.mark.faults, pytest.mark.long]

POISONS = (
    b"",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b'{"kind": "message.send"}',
    b'{"kind": "message.created", "room": 7}',
    b"{" * 100_000,
)


@pytest.mark.timeout(600)
async def test_poison_in_every_topic_stops_nobody(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, FULL) as load:
        await load.steady(2)
        topics = (RAW, MODERATED, LOG, RECEIPTS, CONNECTIONS, VERDICTS)
        await poison(chat.settings.bootstrap, chat.settings.partitions, topics)
        await frail.back(load, "poison in every topic")
        await load.steady(2)
    await frail.unharmed(load)
    buried = len(POISONS) * chat.settings.partitions

    async def listed() -> bool:
        _, told = await chat.parley("dead", "list")
        return all(told.count(f"  {topic}/") == buried for topic in (RAW, MODERATED, RECEIPTS))

    await until(listed)


async def poison(bootstrap: list[str], partitions: int, topics: tuple[str, ...]) -> None:
    """Everything that is no record of theirs into each partition of the topics."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for topic in topics:
            for partition in range(partitions):
                for value in POISONS:
                    await producer.send(topic, value, key=b"k", partition=partition)
        await producer.flush()
    finally:
        await producer.stop()
