"""Bringing a partition's tables to the end of its `chat.log`.

A worker can die between the log and the changelogs. The log is what counts: its successor
applies what the tables have not seen before it decides anything. Where changelogs were lost
altogether, the same reading brings everything back.
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

    `position` gives the offset up to which a partition's tables stand, or `None`; `apply` writes
    to the tables what an event says, given its partition, the event and its `src`.
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
        self._followed: dict[int, int] = {}
        #: What a reading from the beginning has found to be no step of its room, now or later.
        self._no_steps: set[tuple[int, int]] = set()

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
                await self._follow_one(reader, batch, partition)
                self._followed[partition] = generation

    async def _follow_one(self, reader: PartitionReader, batch: Batch, partition: int) -> None:
        """From where the tables stand; from the beginning, where they turn out to lack something.

        What is no step of its room then is none.
        """
        known = self._position(partition)
        start = 0 if known is None else known + 1
        if not await self._follow_from(reader, batch, partition, start) and start:
            await self._follow_from(reader, batch, partition, 0)

    async def _follow_from(
        self, reader: PartitionReader, batch: Batch, partition: int, start: int
    ) -> bool:
        """Whether all of it was the next step of its room, or is known to be none."""
        count, whole = 0, True
        async for record in reader.read(LOG, partition, start):
            try:
                self._step(partition, record)
            except Malformed as error:
                log.warning("not a log event", offset=record.offset, reason=str(error))
            except StoreFailed:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, one event stops nobody
                log.warning("an event can't be followed", offset=record.offset, why=repr(error))
                place = (partition, record.offset)
                if start == 0:
                    self._no_steps.add(place)
                whole = whole and place in self._no_steps
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
