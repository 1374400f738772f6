"""Reading one's writes: the events of a room that the history store does not have yet.

The archive is behind the log, by a moment or by an outage. The view in Valkey is not: an edit or a
deletion was published before it was answered. So the store's messages are shown with the events of
the window beyond what is stored (docs/decisions/read-your-writes.md). Where the log has lost its
end, store and view are of the same epoch, or the request waits: one of the two still has events
that are no part of the log any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from aiohttp import web

from app.delivery.view import Logged, RoomHead
from app.history.progress import Standing
from web.api.services import HISTORY, SETTINGS, VIEW
from web.http.problem import Problem

#: Seconds that a request waits for an archive which is behind by more than a window.
_PATIENCE: Final = 2.0
_RETRY: Final = 0.1

#: Rooms of a search that may be behind at once; with more of them the search waits.
_MOST_ROOMS: Final = 100


class Unarchived(NamedTuple):
    """The events that the store may lack, ascending, and the lowest `seq` that it keeps."""

    floor: int
    events: Sequence[bytes]


async def unarchived(request: web.Request, head: RoomHead) -> Unarchived:
    """What the store may lack of a room up to its head; to be called before the store is read.

    Raises `Problem` 503 `history_behind` where neither the store nor the window has some of it.
    """
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        stored = await request.app[HISTORY].standing(head.room, head.partition)
        events = await _lacking(request, head, stored)
        if events is not None:
            return Unarchived(stored.floor, events)
        await _wait(deadline)


async def unarchived_of_all(
    request: web.Request, rooms: Sequence[str]
) -> dict[str, Sequence[bytes]]:
    """As `unarchived`, for many rooms: the events of those that the store may lack any of."""
    heads = await request.app[VIEW].rooms(list(rooms))
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        upto = await request.app[HISTORY].archived()
        epochs = await request.app[HISTORY].epochs()
        if any(epochs.get(head.partition, 0) != head.epoch for head in heads.values()):
            await _wait(deadline)
            continue
        # A store that does not know its progress was written by an older archive.
        behind = [head for head in heads.values() if upto.get(head.partition, 0) <= head.pos]
        behind = [head for head in behind if head.partition in upto]
        found = await _lacking_of_all(request, behind, upto)
        if found is not None:
            return found
        await _wait(deadline)


async def _lacking_of_all(
    request: web.Request, heads: Sequence[RoomHead], upto: dict[int, int]
) -> dict[str, Sequence[bytes]] | None:
    if not heads:
        return {}
    if len(heads) > _MOST_ROOMS:
        return None
    stored = await request.app[HISTORY].newest_events([head.room for head in heads])
    lacking = await asyncio.gather(
        *(
            _lacking(
                request,
                head,
                Standing(1, stored.get(head.room, 0), upto[head.partition], head.epoch),
            )
            for head in heads
        )
    )
    found: dict[str, Sequence[bytes]] = {}
    for head, events in zip(heads, lacking, strict=True):
        if events is None:
            return None
        found[head.room] = events
    return found


async def _lacking(request: web.Request, head: RoomHead, stored: Standing) -> list[bytes] | None:
    """The room's events that are not stored; `None` where the window lacks some of them.

    Also where the store is of another epoch.
    """
    if stored.epoch != head.epoch:
        return None
    if stored.n >= head.n or (stored.upto is not None and stored.upto > head.pos):
        return []
    start = max(stored.n, head.n - request.app[SETTINGS].window)
    logged = _unbroken(await request.app[VIEW].newer(head.room, start, head.n), head.n)
    lowest = logged[0] if logged else None
    reaches = lowest is not None and (
        lowest.n <= stored.n + 1 or (stored.upto is not None and lowest.pos <= stored.upto)
    )
    return [one.event for one in logged] if reaches or stored.upto is None else None


def _unbroken(logged: list[Logged], n: int) -> list[Logged]:
    """The events from the newest down to the first gap; none where `n` is beyond that."""
    start = 0
    for index, (lower, upper) in enumerate(pairwise(logged), 1):
        if upper.n != lower.n + 1:
            start = index
    return logged[start:] if logged and logged[-1].n >= n else []


async def _wait(deadline: float) -> None:
    if asyncio.get_running_loop().time() >= deadline:
        detail = "these messages are on their way into the history; try again"
        raise Problem("history_behind", detail)
    await asyncio.sleep(_RETRY)
