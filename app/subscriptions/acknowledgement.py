"""Whether cursors that a client acknowledges are of events that have come to be."""

from __future__ import annotations

from collections.abc import Iterable

from app.errors import Malformed
from app.kafka.log_positions import last_position
from app.kafka.partition_reader import PartitionReader
from app.subscriptions.event_window import Source
from app.subscriptions.pull_cursor import PullCursor
from app.topics import LOG


async def require_past(reader: PartitionReader, cursors: Iterable[PullCursor]) -> None:
    """Raise `Malformed` for a cursor beyond its partition: the events up to it would be lost.

    An offset below the end is not compared with its position: after a move to another cluster it
    may be another one, and the position finds the place.
    """
    furthest: dict[Source, PullCursor] = {}
    for cursor in cursors:
        known = furthest.get(cursor.source)
        if known is None or (known.position, known.offset) < (cursor.position, cursor.offset):
            furthest[cursor.source] = cursor
    for source, cursor in furthest.items():
        beyond = cursor.offset >= await reader.end(*source)
        if source.topic == LOG and not beyond:
            beyond = cursor.position > await last_position(reader, source.partition)
        if beyond:
            at = f"partition {source.partition} of {source.topic}"
            raise Malformed(f"a cursor is beyond the newest event of {at}")
