"""Finding a position of the log in Kafka, where its offset is not known."""

from __future__ import annotations

from typing import Any

from app.domain.subscriptions.backlog import NOTHING
from app.errors import Malformed
from app.events import POS, Position, position_of
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.topics import LOG


async def offset_behind_position(
    reader: PartitionReader, partition: int, position: Position
) -> int:
    """The offset of the first log record behind a position; else that of the next record.

    Positions grow with offsets: within an epoch by `pos`, and from one epoch to the next.
    """
    low, high = await reader.begin(LOG, partition), await reader.end(LOG, partition)
    while low < high:
        middle = (low + high) // 2
        record = await reader.first(LOG, partition, middle)
        if record is None or record.offset >= high or _position(record) > position:
            high = middle
        else:
            low = record.offset + 1
    return low


def _position(record: Any) -> Position:
    try:
        return position_of(header_of(record, POS), record.offset)
    except Malformed:
        return NOTHING
