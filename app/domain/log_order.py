"""The order of a partition's log: which events are each the next of their room."""

from __future__ import annotations


class RoomOrder:
    """Follows a partition's log from its beginning.

    Every reader accepts the same events, whenever and in however many pieces it reads: an event
    beyond the room's next number is not accepted, now or later.
    """

    def __init__(self) -> None:
        self._heads: dict[str, int] = {}

    def flaw(self, room: str, n: int) -> str:
        """Why the event can't be the room's next; empty if it is the next or a repeated one."""
        head = self._heads.get(room, 0)
        if n > head + 1:
            return f"room {room!r} has event {n} right after {head}"
        self._heads[room] = max(head, n)
        return ""
