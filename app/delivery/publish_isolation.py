"""Publishing past what can't be published: one event stops nobody."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from app.delivery.publish_calls import Entry
from app.delivery.publisher import Outcome, Publisher
from app.events import RoomChanged, encode
from app.runtime.retry import AWAY

log = structlog.get_logger()

#: Why an entry can't be published, by its partition and offset.
Unpublishable = dict[tuple[int, int], str]


async def publish_isolating(
    publisher: Publisher, entries: Sequence[Entry]
) -> tuple[list[Outcome], Unpublishable]:
    """Publish entries; what the publisher raises on is told with the reason.

    In its place goes a change of the room that changes nothing, as its number counts. Raises what
    says that Valkey is away, and what is raised of that, too: then it is not the event's fault.
    """
    try:
        return await publisher.publish(entries), {}
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - each is asked for the same by itself
        log.warning("events are published one by one", error=repr(error))
    outcomes: list[Outcome] = []
    unfit: Unpublishable = {}
    for entry in entries:
        try:
            outcomes += await publisher.publish([entry])
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, one event stops nobody
            outcomes += await publisher.publish([_in_place_of(entry)])
            unfit[entry.partition, entry.offset] = repr(error)
    return outcomes, unfit


def fit(entry: Entry, unfit: Unpublishable) -> Entry:
    """The entry, or its offset alone where it is among those that can't be published."""
    return entry._replace(event=None) if (entry.partition, entry.offset) in unfit else entry


def _in_place_of(entry: Entry) -> Entry:
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
