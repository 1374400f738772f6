"""Connections that poll again and again, served in C: from one poll to the next without Python.

A connection has a slot while `web/native/_polls.c` serves it; its transport neither reads nor
writes meanwhile. Anything but the same poll again gives the connection back to its owner.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from types import ModuleType
from typing import Any, Final, NamedTuple, Protocol

from web.auth.authenticator import Authenticator
from web.hub.delivery_state import DeliveryState
from web.hub.event import EventBatch
from web.hub.room import Audience, Subscriber
from web.server.poll_template import PollTemplate
from web.server.raw_responses import RawResponses

#: Seconds for which the next request of an answered poll may take to come.
IDLE_SECONDS: Final = 75.0

#: Seconds for which requests gather where many come: a look costs 0.8 us of a delivery with seven
#: at a time, and nothing to speak of with three hundred.
_GATHER_SECONDS: Final = 0.001


class Handover(NamedTuple):
    """A connection as the native part gives it back.

    `waiting`: whether a poll waits for its answer. `deadline` is on the loop's clock. `unread` are
    bytes that have come and were not served, `unwritten` the rest of the last answer.
    """

    waiting: bool
    deadline: float
    unread: bytes
    unwritten: bytes


class Owner(Protocol):
    """The owner of a slot: its poll, and where the connection goes back to."""

    origin: str | None
    """The page that polls, where a browser says so."""

    @property
    def subscriber(self) -> Subscriber:
        """The connection's poll."""

    def may_poll(self) -> bool:
        """Count a poll that is answered at once; whether it is not one too many."""

    def leave_native(self, handover: Handover) -> None:
        """The transport serves the connection again."""


class NativeSlot:
    """The place of one connection in the native part."""

    __slots__ = ("_polls", "_template", "number", "owner")

    def __init__(
        self, polls: NativePolls, number: int, owner: Owner, template: PollTemplate
    ) -> None:
        self._polls = polls
        #: -1 when the connection has left.
        self.number = number
        self.owner = owner
        self._template = template

    @property
    def waiting(self) -> bool:
        """Whether a poll waits for its answer."""
        return self._polls.native.waiting(self.number)  # type: ignore[no-any-return]

    def time_left(self) -> float:
        """Seconds until the deadline, if nothing happens before; 0 when it has passed."""
        deadline: float = self._polls.native.deadline(self.number)
        return max(0.0, deadline - self._polls.loop.time())

    def next_check(self, left: float) -> float:
        """Seconds until less than `left` may be left: another poll may come, and wait less."""
        template, now = self._template, time.time()
        most = template.wait_seconds(now) if now < template.expires_at else template.timeout
        return min(left, most)

    def join(self, audience: Audience) -> None:
        """Add the slot to the audience's group of slots that get the same answer."""
        polls, origin = self._polls, self.owner.origin
        audience.group((polls, origin), lambda: NativeGroup(polls, origin)).add(self.number)

    def answer(self, response: bytes) -> None:
        """Answer the poll, if one waits."""
        self._polls.answer(array("i", [self.number]), response)

    def release(self, unwritten: bytes = b"") -> None:
        """Give the connection back to its owner, with the rest of an answer."""
        self._polls.state.flush()
        if self.number >= 0:
            self.owner.leave_native(Handover(*self.leave(), unwritten))

    def leave(self) -> tuple[bool, float, bytes]:
        """Free the slot: whether a poll waited, until when, and bytes that were not served."""
        number, self.number = self.number, -1
        return self._polls.leave(number)


class NativeGroup:
    """Slots that get the same answers: of subscribers of one room, on pages of one origin."""

    __slots__ = ("_numbers", "_origin", "_polls")

    def __init__(self, polls: NativePolls, origin: str | None) -> None:
        self._polls = polls
        self._origin = origin
        self._numbers = array("i")

    def add(self, number: int) -> None:
        """Add a slot by its number."""
        self._numbers.append(number)

    def take(self, batch: EventBatch) -> None:
        """Answer the waiting polls of the group with these events."""
        polls = self._polls
        response = polls.responses.batch(batch, self._origin)
        for subscriber in polls.answer(self._numbers, response, len(batch.events)):
            subscriber.take(batch)


class NativePolls:
    """All connections of an edge that are served in C, behind one descriptor of the loop."""

    def __init__(
        self,
        native: ModuleType,
        state: DeliveryState,
        authenticator: Authenticator,
        responses: RawResponses,
    ) -> None:
        self.native: Any = native.Polls()
        self.state = state
        self.responses = responses
        self.loop = asyncio.get_running_loop()
        self._authenticator = authenticator
        self._slots: dict[int, NativeSlot] = {}
        self._polled_at = 0.0
        self._behind: list[tuple[NativeSlot, str]] = []
        self._others: list[NativeSlot] = []
        self._closed = False
        self.loop.add_reader(self.native.fileno(), self._on_readable)

    def __len__(self) -> int:
        return len(self._slots)

    def enter(self, owner: Owner, transport: Any, template: PollTemplate) -> NativeSlot | None:
        """Take a connection whose poll waits; `None` where its transport has still to write."""
        sock = transport.get_extra_info("socket")
        if sock is None or transport.is_closing() or transport.get_write_buffer_size():
            return None
        number: int = self.native.enter(
            *(sock.fileno(), template.before, template.after, template.limit, template.timeout),
            *(template.expires_at, template.generation),
            self.loop.time() + template.wait_seconds(time.time()),
        )
        slot = self._slots[number] = NativeSlot(self, number, owner, template)
        return slot

    def leave(self, number: int) -> tuple[bool, float, bytes]:
        """Free a slot; see `NativeSlot.leave`."""
        del self._slots[number]
        return self.native.leave(number)  # type: ignore[no-any-return]

    def release_all(self) -> None:
        """Give all connections back to their owners."""
        for slot in list(self._slots.values()):
            slot.release()

    def close(self) -> None:
        """Watch the descriptor no longer."""
        self._closed = True
        self.loop.remove_reader(self.native.fileno())

    def answer(self, numbers: array[int], response: bytes, events: int = 0) -> list[Subscriber]:
        """Answer the waiting polls; those whose limit is below `events` are returned."""
        too_many: list[Subscriber] = []
        deadline = self.loop.time() + IDLE_SECONDS
        for number, sent in self.native.answer(numbers, response, events, deadline):
            slot = self._slots[number]
            if sent < 0:
                too_many.append(slot.owner.subscriber)
            else:
                slot.release(response[sent:])
        return too_many

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    def receive_before_delivery(self) -> None:
        """Receive polls that were sent before the event that the hub is about to deliver."""
        if self._slots:
            self._receive()
            if self._behind or self._others:
                self.loop.call_soon(self._serve_rest)

    def _on_readable(self) -> None:
        self._receive()
        self._serve_rest()
        now, before = self.loop.time(), self._polled_at
        self._polled_at = now
        if now - before <= _GATHER_SECONDS:
            self.loop.remove_reader(self.native.fileno())
            self.loop.call_later(_GATHER_SECONDS, self._receive_again)

    def _receive_again(self) -> None:
        """While every look finds requests, the loop need not watch the descriptor."""
        if self._closed:
            return
        found = 1
        try:
            found = self._receive()
        finally:
            if found:
                self.loop.call_later(_GATHER_SECONDS, self._receive_again)
            else:
                self._polled_at = self.loop.time()
                self.loop.add_reader(self.native.fileno(), self._on_readable)
        self._serve_rest()

    def _receive(self) -> int:
        """Receive requests, and let polls wait whose cursor is the newest; how many came.

        The queued events are delivered first: a poll that waits from here on is behind them.
        """
        generation, newest = self._authenticator.generation, self.state.newest_cursors()
        served, behind, others = self.native.receive(
            self.loop.time(), time.time(), generation, newest
        )
        slots = self._slots
        self._behind += [(slots[number], cursor) for number, cursor in behind]
        self._others += [slots[number] for number in others]
        return served + len(behind) + len(others)  # type: ignore[no-any-return]

    def _serve_rest(self) -> None:
        while self._behind:
            slot, cursor = self._behind.pop()
            if slot.number >= 0:
                self._catch_up(slot, cursor)
        while self._others:
            slot = self._others.pop()
            if slot.number >= 0:
                slot.release()

    def _catch_up(self, slot: NativeSlot, cursor: str) -> None:
        subscriber = slot.owner.subscriber
        missed = self.state.missed_lately(subscriber.user, cursor)
        if missed is None or not slot.owner.may_poll():
            slot.release()
            return
        self.native.wait(slot.number, self.loop.time(), time.time())
        if missed:
            subscriber.deliver(EventBatch(missed))
