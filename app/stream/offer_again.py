"""Offering commands again that were on their way to a region which is lost.

Commands are handed on in order and decided in order. So those without an outcome are the last ones
of `chat.away`, and a reading from its end can stop where all have one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from app.errors import Malformed
from app.events import AnyCommand, decode_command
from app.kafka.partition_reader import PartitionReader
from app.kafka.record import record_of
from app.settings import Settings
from app.stream.batch import Batch
from app.topics import AWAY, RAW

log = structlog.get_logger()

#: Commands that are looked at in one go. Where all of so many have an event, those before have
#: their outcome, too; more than half, because some were refused and have none.
_AT_ONCE: Final = 500
_ENOUGH: Final = _AT_ONCE // 2


async def offer_again(
    settings: Settings,
    batch: Batch,
    partition: int,
    has_outcome: Callable[[int, AnyCommand], bool],
) -> int:
    """Put the commands of a partition without an outcome into `chat.raw`; how many they were.

    A command that was refused is refused once more, and one that is in the log is known by its
    client id: both get their answer again.
    """
    found: list[Any] = []
    async with PartitionReader(settings) as reader:
        begin = await reader.begin(AWAY, partition)
        end = await reader.end(AWAY, partition)
        while end > begin:
            start = max(begin, end - _AT_ONCE)
            open_ones, known = [], 0
            async for record in reader.read(AWAY, partition, start, end):
                try:
                    command = decode_command(record.value)
                except Malformed:
                    continue
                if has_outcome(partition, command):
                    known += 1
                else:
                    open_ones.append(record_of(record))
            found[:0] = open_ones
            if known > _ENOUGH:
                break
            end = start
    for record in found:
        batch.send(RAW, record, record.value, tuple(record.headers))
    if found:
        log.info("commands are offered again", partition=partition, commands=len(found))
    return len(found)
