"""A connection that is served in C, and those that are answered together."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from web.hub.event import Run
from web.server.poll_template import Repeated

if TYPE_CHECKING:
    from web.server.native_polls import Seats
    from web.server.poll_session import Polls
    from web.server.poll_subscriber import Poll


class Seat:
    """One connection's place, while its transport reads and writes nothing."""

    __slots__ = ("_last", "number", "poll", "polls", "seats")

    def __init__(self, seats: Seats, number: int, polls: Polls, poll: Poll, last: Repeated) -> None:
        self.seats = seats
        #: -1 when it has been left.
        self.number = number
        self.polls = polls
        self.poll = poll
        self._last = last

    @property
    def asked(self) -> bool:
        """Whether the connection waits for an answer."""
        return self.seats.native.asked(self.number)  # type: ignore[no-any-return]

    def left(self) -> float:
        """Seconds until its time is over, if nothing happens before; 0 when it is."""
        deadline: float = self.seats.native.deadline(self.number)
        return max(0.0, deadline - self.seats.entrance.loop.time())

    def look_again(self, left: float) -> float:
        """Seconds until there may be less time left than that: a poll may come, and wait less."""
        last, now = self._last, time.time()
        return min(left, last.waits(now) if now < last.expires_at else last.timeout)

    def answer(self, reply: bytes) -> None:
        """Answer, if the connection waits for it."""
        self.seats.answer(array("i", [self.number]), reply)

    def rise(self, rest: bytes = b"") -> None:
        """Leave the connection to its transport again, which still has `rest` to write."""
        self.seats.hub.flush()
        if self.number >= 0:
            self.polls.risen(*self.leave(), rest)

    def leave(self) -> tuple[bool, float, bytes]:
        """Sit here no more: whether it waited for an answer, until when, and bytes not served."""
        number, self.number = self.number, -1
        return self.seats.leave(number)


class Row:
    """Seats that get the same answers: of readers of one room, on pages of one origin."""

    __slots__ = ("_numbers", "_origin", "_seats")

    def __init__(self, seats: Seats, origin: str | None, numbers: array[int]) -> None:
        self._seats = seats
        self._origin = origin
        self._numbers = numbers

    def take(self, run: Run) -> None:
        """Answer those of the seats that wait with these events."""
        seats = self._seats
        reply = seats.entrance.replies.run(run, self._origin)
        for poll in seats.answer(self._numbers, reply, len(run.lives)):
            poll.take(run)


def rows(taken: Iterable[Seat]) -> Iterator[Row]:
    """These seats in as few rows as may be."""
    numbers: dict[tuple[Seats, str | None], array[int]] = {}
    for seat in taken:
        numbers.setdefault((seat.seats, seat.polls.origin), array("i")).append(seat.number)
    for (seats, origin), some in numbers.items():
        yield Row(seats, origin, some)
