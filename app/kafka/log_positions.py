"""Positions in a partition of `chat.log`: the last one, and the offset behind one.

A position and an offset differ only by the records that were doubled or cut off, so that the record
of a position is found by one seek, or by a few.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from app.errors import Malformed
from app.events import POS, Position, decode_log, position_of
from app.kafka.partition_reader import PartitionReader
from app.topics import LOG, wrong_partition


class Located(NamedTuple):
    """A position, and the offset of its record in this cluster.

    `written` is whether the record has a position of its own, in a header.
    """

    position: Position
    offset: int
    written: bool


def header_of(record: Any, name: str) -> bytes | None:
    """The value of a record's header; `None` where it has none of that name."""
    return dict(record.headers).get(name)


def pos_of(record: Any) -> int:
    """The `pos` of a record that is an event; raises `Malformed` where its header is none."""
    return position_of(header_of(record, POS), record.offset).pos


def located(record: Any, partitions: int) -> Located | None:
    """The place of a log record; `None` for a record that is no event, or has no valid position."""
    header = header_of(record, POS)
    try:
        if header is None:
            event = decode_log(record.value)
            if wrong_partition(event.room, record.partition, partitions):
                return None
        position = position_of(header, record.offset)
    except Malformed:
        return None
    return Located(position, record.offset, header is not None)


async def last_position(reader: PartitionReader, partition: int) -> Position:
    """The position of the partition's last event; `pos` is -1 where it has none."""
    last = await last_event(reader, partition)
    return Position(0, -1) if last is None else last.position


async def last_event(reader: PartitionReader, partition: int) -> Located | None:
    """The place of the partition's last event; `None` where it has none."""
    end = await reader.end(LOG, partition)
    start = await reader.begin(LOG, partition)
    step = 1
    while end > start:
        found = None
        async for record in reader.read(LOG, partition, max(start, end - step), end):
            found = located(record, reader.partitions) or found
        if found is not None:
            return found
        end, step = end - step, step * 4
    return None


async def offset_behind(reader: PartitionReader, partition: int, pos: int, topic: str = LOG) -> int:
    """The offset of the first record whose `pos` is above this one; else that of the next.

    `topic`: that of another region's log has positions, too.
    """
    low, high = await reader.begin(topic, partition), await reader.end(topic, partition)
    guess = pos + 1
    while low < high:
        at = min(max(guess, low), high - 1)
        found = await _at_or_after(reader, topic, partition, at, high)
        if found is None or found.position.pos > pos:
            # Where positions follow each other, its predecessor is the only other candidate.
            high = at
            next_one = found is not None and found.position.pos == pos + 1
            guess = at - 1 if next_one else (low + high) // 2
        else:
            low = found.offset + 1
            guess = low if found.position.pos == pos else (low + high) // 2
    return low


async def _at_or_after(
    reader: PartitionReader, topic: str, partition: int, start: int, end: int
) -> Located | None:
    async for record in reader.read(topic, partition, start, end):
        if (found := located(record, reader.partitions)) is not None:
            return found
    return None
