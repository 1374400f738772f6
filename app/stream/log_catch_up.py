"""Bringing a partition's tables to the end of its `chat.log`.

A worker can die after it wrote to the log and before it wrote to the changelogs. The log is the
truth: its successor applies what the tables lack before it decides anything. Each table has a
position of its own, in its own changelog, and the lowest counts: where one changelog has lost its
end, or all of them everything, the same reading restores it.

Where the log itself has lost its end, some table has a position beyond it. The tables are then made
anew from the log, and an epoch begins, so that no reader takes the next events for the lost ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from msgspec.structs import replace

from app.deployment.log_reader import LogReader
from app.deployment.topic import begin
from app.domain.deployment import Deployment
from app.domain.lineage import next_epoch
from app.errors import Malformed, StoreFailed
from app.events import (
    POS,
    SRC,
    AnyLogEvent,
    EpochBegun,
    Position,
    Source,
    decode_log,
    decode_src,
    position_of,
)
from app.kafka.log_positions import header_of, last_event, offset_behind
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.batch import Batch
from app.stream.batch_loop import MAX_RECORDS
from app.stream.table import Table
from app.topics import LOG, RAW, wrong_partition

log = structlog.get_logger()

#: Seconds between two notes of a partition's position. A successor applies that much again.
NOTE_SECONDS = 1.0

#: Before the first event.
_NOTHING = Position(0, -1)

#: Writes an event into the tables: its partition, the epoch of the tables, the event, its source,
#: and the event's own epoch.
Apply = Callable[[int, int, AnyLogEvent, Source, int], None]


class LogCatchUp:
    """Follows `chat.log` once for each partition and each assignment of it.

    `known` gives the position up to which all tables stand where they have none of their own yet,
    or `None`. `epochs` and `ends` have, for each followed partition, its epoch and the last `pos`.
    With an epoch of a partition that is newer by `newest_epoch`, another region has begun one: the
    partition is followed once more.
    """

    def __init__(
        self,
        settings: Settings,
        tables: Sequence[Table[Any]],
        known: Callable[[int], Position | None],
        apply: Apply,
        newest_epoch: Callable[[int], int] = lambda _: 0,
    ) -> None:
        self.epochs: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self._settings = settings
        self._tables = tables
        self._known = known
        self._apply = apply
        self._newest_epoch = newest_epoch
        #: By partition: the generation in which it was followed.
        self._followed: dict[int, int] = {}
        #: By partition: when its position was noted last.
        self._noted: dict[int, float] = {}
        #: Records (partition, offset) that a reading from the beginning could not apply.
        self._unfit: set[tuple[int, int]] = set()

    async def follow(self, batch: Batch) -> None:
        """Return when the tables of all the batch's partitions stand at the end of the log."""
        generation = batch.generation
        missing = {
            partition
            for partition in batch.partitions
            if self._followed.get(partition) != generation
            or self._newest_epoch(partition) > self.epochs[partition]
        }
        for partition in batch.partitions - missing:
            self._note_in_a_while(partition)
        if not missing:
            return
        async with LogReader(self._settings) as reader:
            deployment = await reader.fixed_deployment()
            for partition in missing:
                await self._follow_partition(reader, batch, partition, deployment)
                self._followed[partition] = generation

    async def _follow_partition(
        self, reader: PartitionReader, batch: Batch, partition: int, deployment: Deployment
    ) -> None:
        """From where the tables stand; from the beginning, if an event shows that they lack some.

        An event that can't be applied even then is not the next of its room, and never will be.
        """
        stand = self._positions(partition)
        end = await _end(reader, partition, has_regions=bool(self._settings.region))
        epoch = max(deployment.epoch(partition), end.epoch)
        if lost := _beyond(stand, end, deployment, partition):
            epoch = max(epoch, lost.epoch)
            if lost.epoch >= deployment.epoch(partition):
                epoch = await self._begin_epoch(partition, epoch, end, lost, deployment)
            await self._empty(batch, partition, epoch)
            stand = [None]
        self.epochs[partition], self.ends[partition] = epoch, end.pos
        lowest = min(_NOTHING if one is None else one for one in stand)
        start = await offset_behind(reader, partition, lowest.pos) if lowest.pos >= 0 else 0
        if not await self._follow_from(reader, batch, partition, start) and start:
            await self._follow_from(reader, batch, partition, 0)
        self._note(partition)

    def _note_in_a_while(self, partition: int) -> None:
        if time.monotonic() > self._noted.get(partition, 0.0) + NOTE_SECONDS:
            self._note(partition)

    def _note(self, partition: int) -> None:
        """Note in every table that it has the log up to the last `pos`, with the writes so far."""
        self._noted[partition] = time.monotonic()
        for table in self._tables:
            self.note_in(table, partition)

    def note_in(self, table: Table[Any], partition: int) -> None:
        """Note in one table that it has the log up to the last `pos`, with the writes so far."""
        position = Position(self.epochs[partition], self.ends[partition])
        if position.pos >= 0:
            table.note_position(partition, position)

    def _positions(self, partition: int) -> list[Position | None]:
        found = [table.position(partition) for table in self._tables]
        if any(one is not None for one in found):
            return found
        return [self._known(partition)]

    async def _begin_epoch(
        self,
        partition: int,
        known: int,
        end: Position,
        lost: Position,
        deployment: Deployment,
    ) -> int:
        """The epoch after `known`, or `known` where another region has what was lost."""
        here = self._settings.region
        if (home := deployment.home(partition, here)) != here:
            log.error("the log has lost its end", partition=partition, ends_at=end.pos, home=home)
            return known
        rank = self._settings.region_rank
        epoch = known + 1 if rank is None else next_epoch(known, rank)
        log.error(
            "the log has lost its end: an epoch begins",
            partition=partition,
            epoch=epoch,
            ends_at=end.pos,
            tables_stand_at=lost.pos,
        )
        begun = EpochBegun(
            partition=partition,
            epoch=epoch,
            start=end.pos + 1,
            at_ms=now_ms(),
            why=f"the log ended at {end.pos}, and tables stood at {lost.pos}",
        )
        if here:
            origin = deployment.origin(RAW, partition)
            begun = replace(begun, home=here, after=known, origin=origin)
        return (await begin(self._settings, begun)).epoch(partition)

    async def _empty(self, batch: Batch, partition: int, epoch: int) -> None:
        """Remove every key of the partition, as of the beginning of the epoch."""
        log.warning("tables are made anew from the log", partition=partition, epoch=epoch)
        for table in self._tables:
            for count, key in enumerate(list(table.every_key(partition)), 1):
                table.remove(partition, key, epoch)
                if count % MAX_RECORDS == 0:
                    await batch.checkpoint()
        await batch.checkpoint()

    async def _follow_from(
        self, reader: PartitionReader, batch: Batch, partition: int, start: int
    ) -> bool:
        """Whether each event was the next of its room, or is known to be unfit."""
        count, whole = 0, True
        async for record in reader.read(LOG, partition, start):
            try:
                self._step(partition, record)
            except Malformed as error:
                log.warning("not a log event", offset=record.offset, reason=str(error))
            except StoreFailed:
                raise
            except Exception as error:  # noqa: BLE001 - one poisoned event must not stop the rest
                log.warning("event can't be applied", offset=record.offset, why=repr(error))
                place = (partition, record.offset)
                if start == 0:
                    self._unfit.add(place)
                whole = whole and place in self._unfit
            else:
                count += 1
                if count % MAX_RECORDS == 0:
                    await batch.checkpoint()
        if count:
            await batch.checkpoint()
            log.info("tables follow the log", partition=partition, start=start, events=count)
        return whole

    def _step(self, partition: int, record: Any) -> None:
        event, src = decode_log(record.value), decode_src(header_of(record, SRC))
        if wrong := wrong_partition(event.room, partition, self._settings.partitions):
            raise Malformed(wrong)
        position = position_of(header_of(record, POS), record.offset)
        self._apply(partition, self.epochs[partition], event, src, position.epoch)
        self.ends[partition] = max(self.ends[partition], position.pos)


async def _end(reader: PartitionReader, partition: int, *, has_regions: bool) -> Position:
    """The position after which the next event gets its own.

    In a log without positions every offset counts as one, also that of a record that is no event:
    cursors may be behind it.
    """
    last = await last_event(reader, partition)
    if last is not None and last.written:
        return last.position
    if last is None and has_regions:
        return _NOTHING  # what is there is no part of the log any more
    return Position(0, await reader.end(LOG, partition) - 1)


def _beyond(
    stand: Iterable[Position | None], end: Position, deployment: Deployment, partition: int
) -> Position | None:
    """The position of a table that has events which are no part of the log; else `None`."""
    for one in stand:
        if one is None:
            continue
        cut = deployment.cut_after(partition, one.epoch)
        if one.pos > end.pos or (cut is not None and one.pos >= cut):
            return one
    return None
