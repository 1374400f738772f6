"""Events on their way to readers: what is made of them is made once, whatever number reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.domain.event_merge import Item
from app.domain.shadow import is_shadowed, shown_to
from web.hub import sse as frames

if TYPE_CHECKING:
    from web.hub.room import Room


class Live:
    """An event, the cursor after it, and both as a frame of a stream."""

    __slots__ = ("cursor", "event", "frame", "n", "offset", "room", "seq")

    def __init__(self, room: Room, n: int, offset: int, event: bytes, cursor: str) -> None:
        self.room = room
        self.n = n
        self.offset = offset
        self.event = event
        self.cursor = cursor
        self.frame = frames.event(event, cursor)
        #: Its place among the recent events of this edge, from 1; 0 for one that is replayed.
        self.seq = 0

    @property
    def shadowed(self) -> bool:
        """Whether it may be another event to one reader than to the next."""
        return is_shadowed(self.event)

    def to(self, user: str) -> Live:
        """The event as this reader gets it."""
        shown = shown_to(user, self.event)
        if shown is self.event:
            return self
        return Live(self.room, self.n, self.offset, shown, self.cursor)

    def item(self) -> Item:
        """The event as it waits for a reader that catches up."""
        return Item(self.room.name, self.n, self.room.partition, self.offset, self.event)


class Run:
    """Events that go out together, in their order.

    `replies` has what polls get that lacked nothing else, by the page that asks.
    """

    __slots__ = ("_frames", "lives", "replies")

    def __init__(self, lives: Sequence[Live]) -> None:
        self.lives = lives
        self.replies: dict[str | None, bytes] = {}
        self._frames: bytes | None = None

    @property
    def frames(self) -> bytes:
        """All of them, as a stream gets them."""
        if self._frames is None:
            lives = self.lives
            self._frames = (
                lives[0].frame if len(lives) == 1 else b"".join([live.frame for live in lives])
            )
        return self._frames

    def answer(self) -> bytes:
        """All of them, as a poll gets them that lacked nothing else."""
        return frames.answer([live.event for live in self.lives], self.lives[-1].cursor)
