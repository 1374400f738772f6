"""The records of `chat.dead`: reading them, sending them again, and dropping them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from app.domain.dead_letter_retry import retry_record
from app.errors import Malformed, ParleyError
from app.events import Dead, decode_dead
from app.kafka.admin import connected, partition_counts
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import DEAD, DEAD_BYTES


@dataclass(frozen=True)
class DeadLetter:
    """A dead record with its place in `chat.dead`, and its time in milliseconds."""

    dead: Dead
    partition: int
    key: bytes
    at_ms: int


class DeadLetters:
    """The records of `chat.dead`. `async with DeadLetters(settings) as letters: …`"""

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

    async def all(self) -> list[DeadLetter]:
        """Those that were neither sent again nor dropped, the oldest first."""
        found: dict[bytes, DeadLetter] = {}
        async with PartitionReader(self._settings) as reader:
            for partition in range(self._settings.partitions):
                async for record in reader.read(DEAD, partition, 0):
                    found.pop(record.key, None)
                    if letter := letter_of(record):
                        found[record.key] = letter
        return sorted(found.values(), key=lambda letter: letter.at_ms)

    async def send_again(self, letters: Iterable[DeadLetter]) -> list[str]:
        """Send each once more and remove it; the reasons for those that can't be sent.

        A crash in between sends one twice: client ids make that harmless.
        """
        async with connected(self._settings, within=15.0) as admin:
            inboxes = frozenset(await partition_counts(admin))
        unsent: list[str] = []
        for letter in letters:
            try:
                retry = retry_record(letter.dead, inboxes)
            except ParleyError as error:
                unsent.append(str(error))
                continue
            await self._producer.send_and_wait(
                retry.topic, retry.value, key=retry.key, partition=retry.partition
            )
            await self.drop([letter])
        return unsent

    async def drop(self, letters: Iterable[DeadLetter]) -> None:
        """Remove each."""
        for letter in letters:
            await self._producer.send_and_wait(
                DEAD, None, key=letter.key, partition=letter.partition
            )


def letter_of(record: Any) -> DeadLetter | None:
    """The dead letter of a record of `chat.dead`; `None` for one that removes it."""
    if record.value is None:
        return None
    try:
        dead = decode_dead(record.value)
    except Malformed as error:  # not written by Parley; shown as it is
        dead = Dead(
            topic=DEAD,
            partition=record.partition,
            offset=record.offset,
            group="-",
            reason=str(error),
            value=record.value,
        )
    return DeadLetter(dead, record.partition, record.key, record.timestamp)
