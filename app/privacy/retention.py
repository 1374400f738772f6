"""Retention: dropping messages that are older than their room's `retention_days`."""

from __future__ import annotations

from collections.abc import Collection

from app.delivery.view import View
from app.events import decode_log
from app.history.store import History

_DAY_MS = 24 * 60 * 60 * 1000

#: Rooms that are read in one round trip to Valkey.
_CHUNK = 500


async def sweep(
    history: History, view: View, partitions: Collection[int], now_ms: int
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
                await _drop_from_view(view, head.room, before_ms)
    return dropped


async def _drop_from_view(view: View, room: str, before_ms: int) -> None:
    async for logged in view.window(room):
        old = [one.n for one in logged if decode_log(one.event).at_ms < before_ms]
        if old:
            await view.drop(room, old)
