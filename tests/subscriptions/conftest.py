"""Fixtures of the tests of subscriptions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.embedded.kafka import Kafka
from app.events import POS, MessageCreated, Position, encode, encode_position
from app.kafka.admin import provision
from app.kafka.producer import new_producer
from app.settings import Settings
from app.topics import LOG, TOPICS

#: The log lost its end behind pos 14: an epoch began there.
POSITIONS = [*(Position(0, pos) for pos in range(15)), *(Position(1, pos) for pos in range(15, 30))]


@pytest.fixture(scope="package")
async def log(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    """A log of thirty events, behind seven that are none: offsets are not positions."""
    async with Kafka(tmp_path_factory.mktemp("kafka")) as kafka:
        settings = replace(Settings(), broker=kafka.url, partitions=1, data=Path("unused"))
        await provision(settings, TOPICS)
        producer = new_producer(settings)
        await producer.start()
        for _ in range(7):
            await producer.send_and_wait(LOG, b"no event", b"r", 0, headers=[(POS, b"-")])
        for number, position in enumerate(POSITIONS):
            event = MessageCreated(
                id=f"{number}",
                client_id=f"{number}",
                room="r",
                n=number + 1,
                seq=number + 1,
                by="ann",
                at_ms=number,
                text=f"{number}",
            )
            headers = [(POS, encode_position(position))]
            await producer.send_and_wait(LOG, encode(event), b"r", 0, headers=headers)
        await producer.stop()
        yield settings
