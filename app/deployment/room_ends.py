"""How far each room reached where its log lost its end: numbers beyond are those of other messages.

Read marks are numbers of messages, and are kept apart from the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError

from app.deployment.log_reader import LogReader
from app.deployment.topic import read_deployment
from app.domain.deployment import Deployment
from app.domain.log_order import RoomOrder
from app.domain.receipts import Read, left
from app.errors import Malformed, Unreachable
from app.events import MessageCreated, decode_log
from app.kafka.log_positions import offset_behind
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, wrong_partition


class LastSeqs(NamedTuple):
    """The last message of each room; `whole` is whether the log has its beginning."""

    by_room: dict[str, int]
    whole: bool


class RoomEnds:
    """The epochs of the log, and the rooms' last messages before each of them.

    A partition is read from its beginning, once, where a mark of an earlier epoch is met. Raises
    `Unreachable`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deployment = Deployment()
        self._generation: int | None = None
        #: By partition: the highest epoch of which it was asked.
        self._looked_for: dict[int, int] = {}
        #: By partition and `pos`.
        self._seqs: dict[tuple[int, int], LastSeqs] = {}

    async def follow(self, generation: int) -> None:
        """Know every epoch that was begun before this generation of a consumer group."""
        if generation != self._generation:
            await self.refresh()
            self._generation = generation

    async def know(self, partition: int, epoch: int) -> None:
        """Know this epoch of a partition, if the deployment does."""
        if epoch > max(self.epoch(partition), self._looked_for.get(partition, 0)):
            await self.refresh()
            self._looked_for[partition] = epoch

    async def refresh(self) -> None:
        """Know every epoch that was begun before this call."""
        async with self._reading() as reader:
            self._deployment = await read_deployment(reader)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[PartitionReader]:
        try:
            async with LogReader(self._settings) as reader:
                yield reader
        except (KafkaError, OSError) as error:
            raise Unreachable(f"Kafka: {error!r}") from error

    @property
    def any(self) -> bool:
        """Whether any epoch was begun."""
        return bool(self._deployment.epochs)

    def epoch(self, partition: int) -> int:
        """The epoch of a partition."""
        return self._deployment.epoch(partition)

    async def load(self, places: Iterable[tuple[int, int]]) -> bool:
        """Let `left` know what was lost with these epochs (partition, epoch).

        Returns whether the log had to be read, in which time another epoch may have begun.
        """
        wanted, read = set(places), False
        while missing := self._missing(wanted):
            read = True
            async with self._reading() as reader:
                for partition, start in missing:
                    self._seqs[partition, start] = await last_seqs(reader, partition, start)
        return read

    def _missing(self, wanted: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        starts = ((place, self._deployment.cut_after(place, epoch)) for place, epoch in wanted)
        known = {(place, start) for place, start in starts if start is not None}
        return known - self._seqs.keys()

    def left(self, partition: int, room: str, mark: Read) -> Read:
        """What is left of a mark in the partition's epoch; to be called after `load`."""
        start = self._deployment.cut_after(partition, mark.epoch)
        if start is None:
            return mark
        seqs = self._seqs[partition, start]
        # A log that lacks its beginning may lack the room.
        end = seqs.by_room.get(room, 0 if seqs.whole else mark.seq)
        return left(mark, self.epoch(partition), end)


async def last_seqs(reader: PartitionReader, partition: int, start: int) -> LastSeqs:
    """The last message of each room below `pos` `start` of a partition of the log."""
    found: dict[str, int] = {}
    order: RoomOrder | None = None
    record: Any
    end = await offset_behind(reader, partition, start - 1)
    async for record in reader.read(LOG, partition, 0, end):
        if record.offset == 0:  # Otherwise the rooms' numbers at the start are unknown.
            order = RoomOrder()
        try:
            event = decode_log(record.value)
        except Malformed:
            continue
        if wrong_partition(event.room, partition, reader.partitions):
            continue
        fits = order is None or not order.flaw(event.room, event.n)
        if fits and isinstance(event, MessageCreated):
            found[event.room] = max(event.seq, found.get(event.room, 0))
    return LastSeqs(found, await reader.begin(LOG, partition) == 0)
