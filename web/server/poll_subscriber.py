"""A poll: the same events as a stream, one answer at a time.

The cursor is a stream's. Reading destroys nothing: a client that lost an answer polls again with
its last cursor. Between two polls of one connection the subscriber stays attached, so that the next
poll costs no more than its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from app.domain.answer_budget import fitting
from app.settings import Settings
from web.hub import sse
from web.hub.event import EventBatch
from web.hub.room import Audience, Subscriber, User
from web.server.native_polls import NativeSlot


class PollSubscriber(Subscriber):
    """Gathers up to `limit` events for one answer, then waits for the next poll.

    An answer with events that the client missed has `budget` bytes of them at most.

    `on_batch(batch)` is called where the answer is just these events, else `on_answer(answer)`:
    `Content-Length` as the last header, and the body. `frontier_cursor()` delivers the queued
    events, and is the cursor behind them.
    """

    __slots__ = (
        *("_budget", "_cursor", "_events", "_frontier_cursor", "_limit", "_on_answer", "_on_batch"),
        *("_recovered", "_slot", "_waiting"),
    )

    def __init__(
        self,
        user: User,
        on_batch: Callable[[EventBatch], None],
        on_answer: Callable[[bytes], None],
        frontier_cursor: Callable[[], str],
        budget: int = Settings.answer_bytes,
    ) -> None:
        super().__init__(user)
        self._on_batch = on_batch
        self._on_answer = on_answer
        self._frontier_cursor = frontier_cursor
        self._budget = budget
        #: The connection's place in the native part, while it is served there.
        self._slot: NativeSlot | None = None
        self._waiting = False
        self._limit = 0
        self._cursor = ""
        self._recovered = True
        self._events: list[bytes] = []

    @property
    def is_waiting(self) -> bool:
        """Whether a poll waits for its answer."""
        return self._waiting if self._slot is None else self._slot.waiting

    @property
    def slot(self) -> NativeSlot | None:
        """The connection's place in the native part, while it is served there."""
        return self._slot

    def join(self, audience: Audience) -> None:
        """Add the subscriber, or its slot in the native part."""
        if self._slot is None:
            super().join(audience)
        else:
            self._slot.join(audience)

    def enter_native(self, slot: NativeSlot) -> None:
        """The native part serves the connection: the poll that waits, and the next ones."""
        self._slot = slot
        self.user.changed()

    def leave_native(self, waiting: bool) -> None:
        """The native part serves it no longer. A waiting poll has all events until now."""
        self._slot = None
        self._waiting, self._recovered, self._events = waiting, True, []
        self._cursor = self._frontier_cursor()
        self.user.changed()

    def forget(self) -> None:
        """The connection is gone: answer nothing any more, and free the slot."""
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.leave()
        self._waiting = False

    def hold(self) -> None:
        """Let events wait from now on."""
        if self._slot is not None:
            self._slot.release()
        super().hold()

    def ask(self, cursor: str, limit: int) -> None:
        """Begin an answer; it ends at `cursor` if admission brings nothing."""
        self._waiting, self._limit, self._cursor = True, limit, cursor
        self._recovered = True
        if self._events:
            self._events = []

    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """Begin the answer at `cursor`."""
        self._cursor = cursor
        if lost:
            self._add_reset(lost)

    def _take(self, batch: EventBatch) -> None:
        # The shortest way, where the poll waits for just this batch.
        if (
            self.is_waiting
            and not self._holds
            and not self._events
            and len(batch.events) <= self._limit
            and batch.size <= self._budget
        ):
            self._waiting = False
            self._on_batch(batch)
        else:
            super()._take(batch)

    def deliver(self, batch: EventBatch) -> None:
        """Answer with the events, or with the first of them up to the limit and the budget."""
        if not self.is_waiting:
            return  # the next poll finds them by its cursor
        room = max(1, self._limit - len(self._events))
        events = batch.events
        if not self._events and len(events) <= room and batch.size <= self._budget:
            self._waiting = False
            self._on_batch(batch)
            return
        taken = events[: len(fitting([event.data for event in events[:room]], self._budget))]
        self._events += [event.data for event in taken]
        self._cursor = taken[-1].cursor
        self._answer(has_more=len(events) > len(taken))

    def tell(self, state: bytes, frame: bytes) -> None:  # noqa: ARG002 - a stream takes the frame
        """Answer with the state."""
        if self.is_waiting:
            self._events.append(state)
            self.give_up()

    def reset(self, rooms: Sequence[str]) -> None:
        """Answer with a reset; a later poll is told by its own cursor."""
        if self._slot is not None:
            self._slot.release()
        if self.is_waiting:
            self._add_reset(rooms)
            if not self.held:
                self.give_up()

    def settle(self) -> None:
        """Answer at once where rooms were reset and no event came."""
        if self.is_waiting and self._events:
            self.give_up()

    def end(self, code: str, reason: str) -> None:  # noqa: ARG002 - a poll has no goodbye
        """Answer with the events so far."""
        self.give_up()

    def give_up(self) -> None:
        """Answer with the events so far: the poll's time is over, or nothing more comes."""
        # The queued events are delivered first, and may be the answer.
        cursor = self._cursor if self.held else self._frontier_cursor()
        if self.is_waiting:
            self._cursor = cursor
            self._answer()

    def _add_reset(self, rooms: Sequence[str]) -> None:
        self._recovered = False
        self._events.append(orjson.dumps({"kind": "reset", "rooms": list(rooms)}))

    def _answer(self, has_more: bool = False) -> None:
        answer = sse.poll_answer(
            self._events, self._cursor, recovered=self._recovered, has_more=has_more
        )
        self._waiting, self._events = False, []
        self._on_answer(answer)
