"""Connections that poll over and over, served in C: from one poll to the next without Python."""

from __future__ import annotations

import time
from array import array
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from web.hub.event import Run
from web.server.poll_template import Repeated
from web.server.seat import Seat

if TYPE_CHECKING:
    from web.server.connection_manager import Entrance
    from web.server.poll_session import Polls
    from web.server.poll_subscriber import Poll

#: Seconds for which an answered poll's next request may take to come.
IDLE_SECONDS: Final = 75.0

#: Seconds for which requests gather where many come: a look costs 0.8 us of a delivery with seven
#: at a time, and nothing to speak of with three hundred.
_GATHER: Final = 0.001


class Seats:
    """All such connections of an edge, behind one descriptor that the loop watches."""

    def __init__(self, native: ModuleType, entrance: Entrance) -> None:
        self.native: Any = native.Seats()
        self.entrance = entrance
        self.hub = entrance.hub
        self._loop = entrance.loop
        self._taken: dict[int, Seat] = {}
        self._looked = 0.0
        self._behind: list[tuple[Seat, str]] = []
        self._others: list[Seat] = []
        self._closed = False
        self.hub.before_events = self._look_ahead
        self._loop.add_reader(self.native.fileno(), self._on_readable)

    def __len__(self) -> int:
        return len(self._taken)

    def sit(self, polls: Polls, poll: Poll, transport: Any, last: Repeated) -> Seat | None:
        """Seat a connection whose poll waits; `None` where its transport has still to write."""
        sock = transport.get_extra_info("socket")
        if sock is None or transport.is_closing() or transport.get_write_buffer_size():
            return None
        number: int = self.native.sit(
            *(sock.fileno(), last.before, last.after, last.limit, last.timeout),
            *(last.expires_at, last.era, self._loop.time() + last.waits(time.time())),
        )
        seat = self._taken[number] = Seat(self, number, polls, poll, last)
        return seat

    def leave(self, number: int) -> tuple[bool, float, bytes]:
        """A seat is free again."""
        del self._taken[number]
        return self.native.rise(number)  # type: ignore[no-any-return]

    def clear(self) -> None:
        """Let all rise."""
        for seat in list(self._taken.values()):
            seat.rise()

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._loop.remove_reader(self.native.fileno())

    def answer(self, numbers: array[int], reply: bytes, events: int = 0) -> list[Poll]:
        """Answer those who wait; who can't take as many events at once is handed back."""
        lacking: list[Poll] = []
        deadline = self._loop.time() + IDLE_SECONDS
        for number, sent in self.native.answer(numbers, reply, events, deadline):
            seat = self._taken[number]
            if sent < 0:
                lacking.append(seat.poll)
            else:
                seat.rise(reply[sent:])
        return lacking

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    def _on_readable(self) -> None:
        # Whoever waits from here on gets nothing that its cursor is behind already.
        self.hub.flush()
        self._look()
        self._serve_rest()
        now, before = self._loop.time(), self._looked
        self._looked = now
        if now - before <= _GATHER:
            self._loop.remove_reader(self.native.fileno())
            self._loop.call_later(_GATHER, self._look_again)

    def _look_again(self) -> None:
        """As long as there is something each time, the loop need not tell."""
        if self._closed:
            return
        found = 1
        try:
            self.hub.flush()
            found = self._look()
        finally:
            if found:
                self._loop.call_later(_GATHER, self._look_again)
            else:
                self._looked = self._loop.time()
                self._loop.add_reader(self.native.fileno(), self._on_readable)
        self._serve_rest()

    def _look_ahead(self) -> None:
        """Let those wait who have asked before an event that the hub is about to take."""
        if self._taken:
            self._look()
            if self._behind or self._others:
                self._loop.call_soon(self._serve_rest)

    def _look(self) -> int:
        """Let those wait who ask for what comes from now on; how many asked for anything."""
        era, newest = self.entrance.auth.era, self.hub.recent.newest
        taken = self._taken
        served, behind, others = self.native.take(self._loop.time(), time.time(), era, newest)
        self._behind += [(taken[number], cursor) for number, cursor in behind]
        self._others += [taken[number] for number in others]
        return served + len(behind) + len(others)  # type: ignore[no-any-return]

    def _serve_rest(self) -> None:
        while self._behind:
            seat, cursor = self._behind.pop()
            if seat.number >= 0:
                self._catch_up(seat, cursor)
        while self._others:
            seat = self._others.pop()
            if seat.number >= 0:
                seat.rise()

    def _catch_up(self, seat: Seat, cursor: str) -> None:
        missed = self.entrance.admission.missed_lately(seat.poll.person, cursor)
        if missed is None:
            seat.rise()
            return
        self.native.wait_on(seat.number, self._loop.time(), time.time())
        if missed:
            seat.poll.deliver(Run(missed))
