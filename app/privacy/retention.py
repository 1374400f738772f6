"""Retention: dropping messages that are older than their room's `retention_days`."""

from __future__ import annotations

from collections.abc import Collection

from app.delivery.erasures import Notice, ViewErasures
from app.delivery.view import RoomHead, View
from app.events import decode_log
from app.history.store import History

_DAY_MS = 24 * 60 * 60 * 1000

#: Rooms that are read in one round trip to Valkey.
_CHUNK = 500


async def sweep(
    history: History,
    view: View,
    erasures: ViewErasures,
    partitions: Collection[int],
    now_ms: int,
) -> dict[str, int]:
    """Drop the expired messages of the rooms on these partitions; their number, by room.

    Kafka keeps its records by the settings of its topics.
    """
    dropped: dict[str, int] = {}
    rooms = [room for room in await history.rooms() if view.partition(room) in partitions]
    for start in range(0, len(rooms), _CHUNK):
        for head in (await view.rooms(rooms[start : start + _CHUNK])).values():
            if days := head.settings.retention_days:
                before_ms = now_ms - days * _DAY_MS
                dropped[head.room] = await history.drop_before(head.room, before_ms)
                await _drop_from_view(view, erasures, head, before_ms)
    return dropped


async def _drop_from_view(
    view: View, erasures: ViewErasures, head: RoomHead, before_ms: int
) -> None:
    """Drop old events from the window and from edges, and an old last message from the list."""
    logged = await view.window(head.room)
    old = {one.n: b"" for one in logged if decode_log(one.event).at_ms < before_ms}
    listed = head.seq if head.at_ms < before_ms and (head.last_by or head.last_text) else 0
    if old or listed:
        await erasures.replace(head.partition, head.room, old, listed)
        await erasures.tell_edges(Notice(room=head.room, before_ms=before_ms))
