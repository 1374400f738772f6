"""What is in `chat.dead`, and taking something out of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from app.domain.again import again
from app.errors import Malformed, ParleyError
from app.events import Dead, decode_dead
from app.kafka.admin import connected, partition_counts
from app.kafka.partition_reader import LogReader
from app.settings import Settings
from app.topics import DEAD, DEAD_BYTES


@dataclass(frozen=True)
class Burial:
    """A dead record, where `chat.dead` has it, and since when, in milliseconds."""

    dead: Dead
    partition: int
    key: bytes
    at_ms: int


class Burials:
    """The dead records of a cluster. `async with Burials(settings) as burials: …`"""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=DEAD_BYTES,
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def all(self) -> list[Burial]:
        """Those that were neither sent again nor dropped, the oldest first."""
        found: dict[bytes, Burial] = {}
        async with LogReader(self._settings) as reader:
            for partition in range(self._settings.partitions):
                async for record in reader.read(DEAD, partition, 0):
                    found.pop(record.key, None)
                    if burial := _burial(record):
                        found[record.key] = burial
        return sorted(found.values(), key=lambda burial: burial.at_ms)

    async def send_again(self, burials: Iterable[Burial]) -> list[str]:
        """Have each dealt with once more, and take it out; why that can't be, where it can't.

        A crash in between sends one twice, which is what the client ids are for.
        """
        async with connected(self._settings, within=15.0) as admin:
            inboxes = frozenset(await partition_counts(admin))
        unsent: list[str] = []
        for burial in burials:
            try:
                letter = again(burial.dead, inboxes)
            except ParleyError as error:
                unsent.append(str(error))
                continue
            await self._producer.send_and_wait(
                letter.topic, letter.value, key=letter.key, partition=letter.partition
            )
            await self.drop([burial])
        return unsent

    async def drop(self, burials: Iterable[Burial]) -> None:
        """Take each out for good."""
        for burial in burials:
            await self._producer.send_and_wait(
                DEAD, None, key=burial.key, partition=burial.partition
            )


def _burial(record: Any) -> Burial | None:
    if record.value is None:
        return None
    try:
        dead = decode_dead(record.value)
    except Malformed as error:  # somebody else's writing; shown as what it is
        dead = Dead(
            topic=DEAD,
            partition=record.partition,
            offset=record.offset,
            group="-",
            reason=str(error),
            value=record.value,
        )
    return Burial(dead, record.partition, record.key, record.timestamp)
