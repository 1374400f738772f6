"""Somebody who reads at this edge: their rooms, and the streams and polls that they have open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web.hub.room import Room
    from web.hub.subscriber import Reader


class Person:
    """A person's place in the hub, shared by all their readers and kept a while after the last.

    `rooms` has the `n` from which on the person gets a room. `since` is the place among the
    edge's recent events (`Recent`) from which on all those rooms are complete here; `joining`
    counts rooms that are not yet. `left` has the `n` by which the person left rooms while it is
    being looked up which those are: what is looked up may be older.
    """

    __slots__ = ("joining", "left", "name", "readers", "rooms", "settled", "since")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rooms: dict[Room, int] = {}
        self.readers: list[Reader] = []
        self.settled = False
        self.since = 0
        self.joining = 0
        self.left: dict[str, int] | None = None

    def room_names(self) -> list[str]:
        """The names of the rooms, sorted."""
        return sorted(room.name for room in self.rooms)

    def changed(self) -> None:
        """The person's readers, or how they take events, have changed."""
        for room in self.rooms:
            room.forget_audience()

    def complete(self) -> bool:
        """Whether everything that happens in the person's rooms arrives here."""
        return self.settled and not self.joining

    def note_left(self, room: str, n: int) -> None:
        """The person is out of the room from this event on."""
        self.left = {**(self.left or {}), room: n}

    def has_left(self, room: str, n: int) -> bool:
        """Whether they have left since they joined by that event, as far as was noted."""
        return self.left is not None and self.left.get(room, n) > n

    def settle(self, since: int) -> None:
        """It is known which rooms they are in, and all of those are complete from there on."""
        self.settled, self.since, self.left = True, since, None
