"""Where a feed begins: at its stored place, or where its subscription was moved to."""

from __future__ import annotations

from typing import Any

import structlog

from app.domain.subscriptions.backlog import NOTHING, Place
from app.errors import Malformed
from app.events import POS, Position, Subscription, position_of
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.subscriptions.event_window import EventWindow, Source
from app.topics import LOG

log = structlog.get_logger()


async def starting_place(
    window: EventWindow, source: Source, subscription: Subscription, stored: Place | None
) -> Place:
    """The place of a subscription in a partition.

    An offset names a record as long as its topic lives. Where the record before the stored offset
    is another one now, the place is found again: in the log by its position, elsewhere by its time.
    """
    if stored is None or stored.moves != subscription.moves:
        offset = await window.offset_since(source, subscription.from_ms)
        writes = 0 if stored is None else stored.writes
        return Place(*NOTHING, offset, moves=subscription.moves, writes=writes)
    if source.topic != LOG:
        if stored.pos < 0 or stored.epoch == window.origin(source):
            return stored
        offset = await window.offset_since(source, stored.at_ms)
        return Place(*NOTHING, offset, stored.at_ms, {}, stored.moves, stored.writes)
    if stored.pos < 0:
        return stored
    before = await window.at(source, stored.offset - 1)
    if before is not None and before.position == (stored.epoch, stored.pos):
        return stored
    first = min([(stored.epoch, stored.pos), *((h.epoch, h.pos - 1) for h in stored.held.values())])
    offset = await window.with_reader(
        lambda reader: offset_behind_position(reader, source.partition, Position(*first))
    )
    log.warning(
        "a subscription's place has another offset now",
        subscription=subscription.id,
        partition=source.partition,
        before=stored.offset,
        now=offset,
    )
    held = {
        room: type(one)(one.epoch, one.pos, offset, one.since_ms, one.tries, one.why)
        for room, one in stored.held.items()
    }
    return Place(stored.epoch, stored.pos, offset, stored.at_ms, held, stored.moves, stored.writes)


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
