"""Where a feed begins: at its stored place, or where its subscription was moved to."""

from __future__ import annotations

import structlog

from app.domain.subscriptions.backlog import NOTHING, Place
from app.events import Position, Subscription
from app.kafka.partition_reader import PartitionReader
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.log_search import offset_behind_position
from app.subscriptions.named_event import log_place
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
        offset = await window.with_reader(lambda reader: beginning(reader, source, subscription))
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


async def beginning(reader: PartitionReader, source: Source, subscription: Subscription) -> int:
    """The offset of a partition at which a subscription begins that has no place there."""
    if subscription.from_event and source.topic == LOG:
        partition, (epoch, pos) = log_place(subscription.from_event)
        if partition == source.partition:
            return await offset_behind_position(reader, partition, Position(epoch, pos - 1))
    return await reader.since(*source, subscription.from_ms)
