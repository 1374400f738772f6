"""Replaying: what a reader missed is read from the windows of its rooms."""

from __future__ import annotations

from app.delivery.view import Logged, View
from app.domain.cursor import Cursor
from app.domain.event_merge import Item
from web.hub.room import Room
from web.hub.user import Person

#: Events read at once while looking for where a reader was.
_PAGE = 100

#: Events that one reader is given again at most, over all its rooms. Beyond, history is cheaper.
MOST_REPLAYED = 5_000


def item(room: Room, logged: Logged) -> Item:
    """An event as it waits for a reader."""
    return Item(room.name, logged.n, room.partition, logged.offset, logged.event)


async def replay(view: View, person: Person, cursor: Cursor) -> tuple[list[Item], list[str]]:
    """What lies between the cursor and where the edge stands now, and the rooms that lack of it.

    The budget goes to the rooms where something happened last. Raises `Unreachable` where the view
    was emptied meanwhile.
    """
    # Taken at one moment: what comes after it waits for the reader already.
    missed = [
        (room.offset, room, room.n, joined)
        for room, joined in person.rooms.items()
        if room.n is not None and room.offset >= cursor.nexts[room.partition]
    ]
    items: list[Item] = []
    lost = []
    for _, room, n, joined in sorted(missed, key=lambda one: -one[0]):
        budget = MOST_REPLAYED - len(items)
        found = await _since(view, room, n, cursor.nexts[room.partition], joined, budget)
        if found is None:
            lost.append(room.name)
        else:
            items += [item(room, logged) for logged in found]
    return items, lost


async def _since(
    view: View, room: Room, n: int, start: int, joined: int, budget: int
) -> list[Logged] | None:
    """The events down from `n` to offset `start` or event `joined`; `None` where it can't say."""
    found: list[Logged] = []
    while n >= joined:
        page = await view.published(room.name, range(n, max(0, n - _PAGE), -1))
        if not page or page[0].n != n or len(found) + len(page) > budget:
            return None
        for logged in page:
            if logged.n != n:
                return None
            if logged.offset < start or logged.n < joined:
                return found
            found.append(logged)
            n -= 1
    return found
