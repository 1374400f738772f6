"""The newest events of this edge: a poll that returns is answered from them, without Valkey."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from web.hub.event import Event

#: The most events that are kept, and the most bytes of them.
_MAX_EVENTS = 4096
_MAX_BYTES = 4 * 1024 * 1024

#: Cursors of the newest place that are also kept in `newest`.
_MAX_NEWEST = 16


class RecentEvents:
    """The newest events in the order of their delivery, and the place of each cursor among them.

    A cursor that is found here was issued by this edge, so it needs no check. The events after its
    place are exactly those that a subscriber lacks, in rooms that were followed all the while.
    """

    def __init__(self, max_events: int = _MAX_EVENTS, max_bytes: int = _MAX_BYTES) -> None:
        #: The place of the newest event; places count from 1.
        self.last = 0
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._bytes = 0
        self._events: deque[Event] = deque()
        #: The same events by room and `n`: an edit or a deletion names those with the old text.
        self._by_number: dict[tuple[str, int], Event] = {}
        #: The place behind which each cursor stands; old cursors are gone.
        self.places: dict[str, int] = {}
        #: Cursors that stand behind the newest event.
        self.newest: list[str] = []
        self._order: deque[tuple[int, str]] = deque()

    def add(self, event: Event) -> None:
        """Add an event that is being delivered."""
        self.last += 1
        event.index = self.last
        self._events.append(event)
        self._by_number[event.room, event.n] = event
        self._bytes += len(event.data)
        self.newest.clear()
        self.issue(event.cursor)
        while len(self._events) > self._max_events or self._bytes > self._max_bytes:
            self._drop_oldest()
        self._forget()

    def issue(self, cursor: str) -> None:
        """Note that this cursor stands behind the newest event."""
        self.places[cursor] = self.last
        self._order.append((self.last, cursor))
        self.newest.append(cursor)
        if len(self.newest) > _MAX_NEWEST:
            del self.newest[0]
        if len(self._order) > 2 * self._max_events:
            self._drop()

    def after(self, place: int) -> list[Event]:
        """The events after a known place, in order."""
        return list(islice(reversed(self._events), self.last - place))[::-1]

    def find(self, room: str, numbers: Iterable[int]) -> list[Event]:
        """Those of a room's events that are here."""
        known = self._by_number
        return [event for n in numbers if (event := known.get((room, n))) is not None]

    def all(self) -> list[Event]:
        """All events, in order."""
        return list(self._events)

    def rewrite(self, event: Event, data: bytes) -> None:
        """Give one of the events another text."""
        self._bytes += len(data) - len(event.data)
        event.rewrite(data)

    def clear(self) -> None:
        """Forget the events. Only the cursors behind the newest are known from then on."""
        self._events.clear()
        self._by_number.clear()
        self._bytes = 0
        self._forget()

    def _drop_oldest(self) -> None:
        event = self._events.popleft()
        self._bytes -= len(event.data)
        # A room that was left and followed again may have had the event twice.
        if self._by_number.get((event.room, event.n)) is event:
            del self._by_number[event.room, event.n]

    def _forget(self) -> None:
        """Forget the cursors from which on not all events are here."""
        lowest = self.last - len(self._events)
        while self._order and self._order[0][0] < lowest:
            self._drop()

    def _drop(self) -> None:
        place, cursor = self._order.popleft()
        if self.places.get(cursor) == place:
            del self.places[cursor]
