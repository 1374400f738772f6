"""Events on their way to subscribers; each is encoded once and shared by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.domain.event_merge import Item
from app.domain.shadow import is_shadowed, shown_to
from web.hub import sse

#: In JSON, a quotation mark inside of a text has a backslash before it: this is a field's name.
_AT_MS: Final = b'"at_ms":'


class Event:
    """A log event of a room, the cursor after it, and both as an SSE frame.

    `data` is the event as JSON. `index` is its place among the recent events of this edge, from 1;
    0 for an event that is replayed.
    """

    __slots__ = ("cursor", "data", "frame", "index", "n", "partition", "pos", "room")

    def __init__(
        self, room: str, partition: int, n: int, pos: int, data: bytes, cursor: str
    ) -> None:
        self.room = room
        self.partition = partition
        self.n = n
        self.pos = pos
        self.data = data
        self.cursor = cursor
        self.frame = sse.event(data, cursor)
        self.index = 0

    @property
    def shadowed(self) -> bool:
        """Whether users may see different versions of the event."""
        return is_shadowed(self.data)

    @property
    def at_ms(self) -> int | None:
        """When the event was moderated; `None` where it does not say."""
        _, found, rest = self.data.partition(_AT_MS)
        number = rest[: rest.find(b",")]
        return int(number) if found and number.isdigit() else None

    def shown_to(self, user: str) -> Event:
        """The event as this user sees it."""
        shown = shown_to(user, self.data)
        if shown is self.data:
            return self
        return Event(self.room, self.partition, self.n, self.pos, shown, self.cursor)

    def rewrite(self, data: bytes) -> None:
        """Let the event have another text from now on; its number and cursor stay."""
        self.data = data
        self.frame = sse.event(data, self.cursor)

    def item(self) -> Item:
        """The event as it waits for a subscriber that catches up."""
        return Item(self.room, self.n, self.partition, self.pos, self.data)


class EventBatch:
    """Events that go out together, in their order.

    `responses` has the finished responses to polls that miss nothing else, by origin.
    """

    __slots__ = ("_frames", "_size", "events", "responses")

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.responses: dict[str | None, bytes] = {}
        self._frames: bytes | None = None
        self._size = -1

    @property
    def size(self) -> int:
        """Bytes of all the events."""
        if self._size < 0:
            self._size = sum(len(event.data) for event in self.events)
        return self._size

    @property
    def frames(self) -> bytes:
        """All of the events, as a stream gets them."""
        if self._frames is None:
            events = self.events
            self._frames = (
                events[0].frame if len(events) == 1 else b"".join([one.frame for one in events])
            )
        return self._frames

    def answer(self) -> bytes:
        """All of the events, as a poll gets them that misses nothing else."""
        return sse.poll_answer([one.data for one in self.events], self.events[-1].cursor)
