"""Poison isolation in publishing: an event that can't be published stops no other."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from app.delivery.publish_calls import Entry
from app.delivery.publisher import Outcome, Publisher
from app.events import RoomChanged, encode
from app.runtime.retry import AWAY

log = structlog.get_logger()

#: By partition and offset of an entry: why it can't be published.
Unpublishable = dict[tuple[int, int], str]


async def publish_isolating(
    publisher: Publisher, entries: Sequence[Entry]
) -> tuple[list[Outcome], Unpublishable]:
    """Publish entries; the second result has the reason for each that the publisher raised on.

    An empty `room.changed` takes the place of such an event, because its number counts. Raises what
    means that Valkey is away, and whatever the empty event raises: then the event is not at fault.
    """
    try:
        return await publisher.publish(entries), {}
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - the entries are tried one by one
        log.warning("events are published one by one", error=repr(error))
    outcomes: list[Outcome] = []
    unfit: Unpublishable = {}
    for entry in entries:
        try:
            outcomes += await publisher.publish([entry])
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - one poisoned event must not stop the rest
            outcomes += await publisher.publish([_placeholder(entry)])
            unfit[entry.partition, entry.offset] = repr(error)
    return outcomes, unfit


def fit(entry: Entry, unfit: Unpublishable) -> Entry:
    """The entry; only its offset if it is among the unpublishable ones."""
    return entry._replace(event=None) if (entry.partition, entry.offset) in unfit else entry


def _placeholder(entry: Entry) -> Entry:
    event = entry.event
    if event is None:
        return entry
    nothing = RoomChanged(
        room=event.room,
        n=event.n,
        by=event.by,
        at_ms=event.at_ms,
        id=event.id,
        client_id=event.client_id,
    )
    return entry._replace(event=nothing, value=encode(nothing), ruling=None)
