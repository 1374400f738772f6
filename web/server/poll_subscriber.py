"""A poll: the same events, an answer at a time.

The cursor is the stream's. Reading destroys nothing: who lost an answer asks again with the
cursor it had. Between two polls of one connection the reader stays where it is, so that the next
one costs nothing but its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import orjson

from web.hub import sse as frames
from web.hub.event import Run
from web.hub.subscriber import Reader
from web.hub.user import Person

if TYPE_CHECKING:
    from web.server.seat import Seat


class Poll(Reader):
    """A reader that gathers up to `limit` events for one answer, then waits to be asked again.

    `on_run(run)` is called where the answer is those events and nothing else, else
    `on_answer(answer)`: `Content-Length` as the last header, and the body. `cursor_now()` is where
    the hub stands.
    """

    __slots__ = (
        *("_asked", "_cursor", "_cursor_now", "_events", "_limit", "_on_answer", "_on_run"),
        "_recovered",
    )

    def __init__(
        self,
        person: Person,
        on_run: Callable[[Run], None],
        on_answer: Callable[[bytes], None],
        cursor_now: Callable[[], str],
    ) -> None:
        super().__init__(person)
        self._on_run = on_run
        self._asked = False
        self._on_answer = on_answer
        self._cursor_now = cursor_now
        self._limit = 0
        self._cursor = ""
        self._recovered = True
        self._events: list[bytes] = []

    @property
    def asked(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._asked if self.seat is None else self.seat.asked

    def sit(self, seat: Seat) -> None:
        """From here on the connection is served in C: what it waits for, and its next polls."""
        self.seat = seat
        self.person.changed()

    def rise(self, asked: bool) -> None:
        """It is so no longer. A poll that waits lacks nothing that has happened until now."""
        self.seat = None
        self._asked, self._recovered, self._events = asked, True, []
        self._cursor = self._cursor_now()
        self.person.changed()

    def forget(self) -> None:
        """Nobody waits any more."""
        self._asked = False

    def hold(self) -> None:
        """Let events wait from now on."""
        if self.seat is not None:
            self.seat.rise()
        super().hold()

    def ask(self, cursor: str, limit: int) -> None:
        """Begin an answer; `cursor` is where it ends if nothing comes of admission."""
        self._asked, self._limit, self._cursor = True, limit, cursor
        self._recovered = True
        if self._events:
            self._events = []

    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """Remember where the answer begins."""
        self._cursor = cursor
        if lost:
            self._note_reset(lost)

    def _take(self, run: Run) -> None:
        # By the shortest way where somebody waits for nothing but this.
        if self.asked and not self._holds and not self._events and len(run.lives) <= self._limit:
            self._asked = False
            self._on_run(run)
        else:
            super()._take(run)

    def deliver(self, run: Run) -> None:
        """Answer with the events; with the first of them where there are too many."""
        if not self.asked:
            return  # the next poll finds them by its cursor
        room = max(1, self._limit - len(self._events))
        lives = run.lives
        if not self._events and len(lives) <= room:
            self._asked = False
            self._on_run(run)
            return
        taken = lives[:room]
        self._events += [live.event for live in taken]
        self._cursor = taken[-1].cursor
        self._answer(has_more=len(lives) > len(taken))

    def tell(self, state: bytes, frame: bytes) -> None:  # noqa: ARG002 - a stream takes the other
        """Answer with the state."""
        if self.asked:
            self._events.append(state)
            self.give_up()

    def reset(self, rooms: Sequence[str]) -> None:
        """Answer with a reset; whoever asks later is told when they do."""
        if self.seat is not None:
            self.seat.rise()
        if self.asked:
            self._note_reset(rooms)
            if not self.held:
                self.give_up()

    def settle(self) -> None:
        """Answer at once where something was lost, with nothing more to tell."""
        if self.asked and self._events:
            self.give_up()

    def end(self, code: str, reason: str) -> None:  # noqa: ARG002 - a poll has no goodbye
        """Answer with what there is."""
        self.give_up()

    def give_up(self) -> None:
        """Answer with what there is, at the end of the time or because there is no more to come."""
        if self.asked:
            if not self.held:
                self._cursor = self._cursor_now()
            self._answer()

    def _note_reset(self, rooms: Sequence[str]) -> None:
        self._recovered = False
        self._events.append(orjson.dumps({"kind": "reset", "rooms": list(rooms)}))

    def _answer(self, has_more: bool = False) -> None:
        self._give(
            frames.answer(self._events, self._cursor, recovered=self._recovered, has_more=has_more)
        )

    def _give(self, answer: bytes) -> None:
        self._asked, self._events = False, []
        self._on_answer(answer)
