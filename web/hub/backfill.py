"""Backfill: the events that a subscriber missed are read from the windows of its rooms."""

from __future__ import annotations

from collections.abc import Sequence

from app.delivery.view import Logged, View
from app.domain.event_merge import Item
from web.hub.room import Room, User

#: Events read at once while looking for the position of a cursor.
_PAGE = 100

#: The most events for one subscriber, over all its rooms. Beyond, the history is cheaper.
MAX_BACKFILL = 5_000

#: The most bytes of them, so that a client that was away can't fill the edge's memory.
MAX_BACKFILL_BYTES = 8 * 1024 * 1024


def item(room: Room, logged: Logged) -> Item:
    """An event as it waits for a subscriber."""
    return Item(room.name, logged.n, room.partition, logged.pos, logged.event)


async def backfill(view: View, user: User, nexts: Sequence[int]) -> tuple[list[Item], list[str]]:
    """The events between a cursor's position and the edge's frontier, and the rooms that lack some.

    The rooms with the newest events use up the budget first. Raises `Unreachable` where the view
    was emptied meanwhile.
    """
    # Taken at one moment: later events wait for the subscriber already.
    missed = [
        (room.pos, room, room.n, joined)
        for room, joined in user.rooms.items()
        if room.n is not None and room.pos >= nexts[room.partition]
    ]
    items: list[Item] = []
    lost = []
    size = MAX_BACKFILL_BYTES
    for _, room, n, joined in sorted(missed, key=lambda one: -one[0]):
        budget = MAX_BACKFILL - len(items)
        found = await _since(view, room, n, nexts[room.partition], joined, budget, size)
        if found is None:
            lost.append(room.name)
        else:
            items += [item(room, logged) for logged in found]
            size -= sum(len(logged.event) for logged in found)
    return items, lost


async def _since(
    view: View, room: Room, n: int, start: int, joined: int, budget: int, size: int
) -> list[Logged] | None:
    """The events from `n` down to position `start` or event `joined`.

    `None` if one is missing, or they are more than `budget` events or `size` bytes.
    """
    found: list[Logged] = []
    while n >= joined:
        page = await view.published(room.name, range(n, max(0, n - _PAGE), -1))
        if not page or page[0].n != n or len(found) + len(page) > budget:
            return None
        for logged in page:
            if logged.n != n:
                return None
            if logged.pos < start or logged.n < joined:
                return found
            found.append(logged)
            n -= 1
            if (size := size - len(logged.event)) < 0:
                return None
    return found
