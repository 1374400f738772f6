"""Bringing a partition's tables to the end of its `chat.log`.

A worker can die after it wrote to the log and before it wrote to the changelogs. The log is the
truth: its successor applies what the tables lack before it decides anything. Where changelogs were
lost altogether, the same reading restores everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from app.errors import Malformed, StoreFailed
from app.events import SRC, AnyLogEvent, decode_log, decode_src
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.stream.batch import Batch
from app.stream.batch_loop import MAX_RECORDS
from app.topics import LOG, wrong_partition

log = structlog.get_logger()


class LogCatchUp:
    """Follows `chat.log` once for each partition and each assignment of it.

    `position` gives the offset up to which a partition's tables stand, or `None`. `apply` writes
    an event to the tables, given its partition, the event and its `src`.
    """

    def __init__(
        self,
        settings: Settings,
        position: Callable[[int], int | None],
        apply: Callable[[int, AnyLogEvent, int], None],
    ) -> None:
        self._settings = settings
        self._position = position
        self._apply = apply
        #: By partition: the generation in which it was followed.
        self._followed: dict[int, int] = {}
        #: Records (partition, offset) that a reading from the beginning could not apply.
        self._unfit: set[tuple[int, int]] = set()

    async def follow(self, batch: Batch) -> None:
        """Return when the tables of all the batch's partitions stand at the end of the log."""
        generation = batch.generation
        missing = {
            partition
            for partition in batch.partitions
            if self._followed.get(partition) != generation
        }
        if not missing:
            return
        async with PartitionReader(self._settings) as reader:
            for partition in missing:
                await self._follow_partition(reader, batch, partition)
                self._followed[partition] = generation

    async def _follow_partition(
        self, reader: PartitionReader, batch: Batch, partition: int
    ) -> None:
        """From where the tables stand; from the beginning, if an event shows that they lack some.

        An event that can't be applied even then is not the next of its room, and never will be.
        """
        known = self._position(partition)
        start = 0 if known is None else known + 1
        if not await self._follow_from(reader, batch, partition, start) and start:
            await self._follow_from(reader, batch, partition, 0)

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
        event, src = decode_log(record.value), decode_src(dict(record.headers).get(SRC))
        if wrong := wrong_partition(event.room, partition, self._settings.partitions):
            raise Malformed(wrong)
        self._apply(partition, event, src)
