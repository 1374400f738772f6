"""Which events of a log are steps of their rooms."""

from __future__ import annotations


class RoomOrder:
    """A partition's log from its beginning, room by room.

    Whoever follows it takes the same events, whenever and in however many pieces: what is beyond
    the room's next number is no step of it, now or later.
    """

    def __init__(self) -> None:
        self._heads: dict[str, int] = {}

    def flaw(self, room: str, n: int) -> str:
        """Why the room can't have an event of this number next; empty where it can, or had it."""
        head = self._heads.get(room, 0)
        if n > head + 1:
            return f"room {room!r} has event {n} right after {head}"
        self._heads[room] = max(head, n)
        return ""
