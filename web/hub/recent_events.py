"""What this edge has delivered lately: a poll that comes back is answered without asking Valkey."""

from __future__ import annotations

from collections import deque
from itertools import islice

from web.hub.event import Live

#: Events, and bytes of them, that are kept at most.
_MOST = 4096
_MOST_BYTES = 4 * 1024 * 1024

#: Cursors of the newest place that are kept apart: of the others, too, it is known where they are.
_MOST_NEWEST = 16


class Recent:
    """The newest events in the order of their delivery, and where among them each cursor stands.

    A cursor that is found here was given out here, so it needs no checking, and what came after
    it, in rooms that were followed all the while, is exactly what came after its place.
    """

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        #: The place of the newest event; places count from 1.
        self.seq = 0
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lives: deque[Live] = deque()
        #: Where each cursor stands; those of too long ago are gone.
        self.places: dict[str, int] = {}
        #: Those that stand behind the newest event.
        self.newest: list[str] = []
        self._order: deque[tuple[int, str]] = deque()

    def add(self, live: Live) -> None:
        """Take in an event that is being delivered."""
        self.seq += 1
        live.seq = self.seq
        self._lives.append(live)
        self._bytes += len(live.event)
        self.newest.clear()
        self.issue(live.cursor)
        while len(self._lives) > self._most or self._bytes > self._most_bytes:
            self._bytes -= len(self._lives.popleft().event)
        self._forget()

    def issue(self, cursor: str) -> None:
        """Note that this cursor stands behind the newest event."""
        self.places[cursor] = self.seq
        self._order.append((self.seq, cursor))
        self.newest.append(cursor)
        if len(self.newest) > _MOST_NEWEST:
            del self.newest[0]
        if len(self._order) > 2 * self._most:
            self._drop()

    def after(self, place: int) -> list[Live]:
        """The events after a place that is known, in order."""
        return list(islice(reversed(self._lives), self.seq - place))[::-1]

    def _forget(self) -> None:
        """Forget the cursors with events behind them that are no longer here."""
        lowest = self.seq - len(self._lives)
        while self._order and self._order[0][0] < lowest:
            self._drop()

    def _drop(self) -> None:
        place, cursor = self._order.popleft()
        if self.places.get(cursor) == place:
            del self.places[cursor]
