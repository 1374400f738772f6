"""The polls of one connection, one after the other."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from app.domain.cursor import Cursor
from web.auth.token_cache import Identity
from web.http.problem import problem_of
from web.http.request_params import number
from web.hub.event import Run
from web.server.poll_subscriber import Poll
from web.server.poll_template import Repeated, repeated
from web.server.request_head import Head

if TYPE_CHECKING:
    from web.server.connection import Front
    from web.server.connection_manager import Entrance
    from web.server.stream_session import Visit

#: Seconds that a poll waits, and at most; events in its answer, and at most.
TIMEOUT: Final = 25
_LONGEST: Final = 55
_LIMIT: Final = 100
_MOST: Final = 500


class Polls:
    """Takes each poll to its answer: at once, when something comes, or when its time is over."""

    __slots__ = ("_entrance", "_front", "_repeated", "_task", "_timeout", "_visit", "poll")

    def __init__(self, entrance: Entrance, front: Front, visit: Visit) -> None:
        self._entrance = entrance
        self._front = front
        self._visit = visit
        #: The connection's reader.
        self.poll: Poll | None = None
        self._repeated: Repeated | None = None
        #: Seconds that the poll which is being admitted may wait.
        self._timeout = 0.0
        self._task: asyncio.Task[None] | None = None

    def repeat(self, data: bytes) -> bool:
        """Serve a request that is the last poll with another cursor; whether it is that.

        Such a poll is served without being taken apart, and without asking who it is: that was
        found out from the very same bytes, and still holds.
        """
        last, poll, entrance = self._repeated, self.poll, self._entrance
        if last is None or poll is None:
            return False
        cursor, now = last.cursor_of(data), time.time()
        if cursor is None or last.era != entrance.auth.era or last.expires_at <= now:
            return False
        missed = entrance.admission.missed_lately(poll.person, cursor)
        if missed is None:
            return False
        poll.ask(cursor, last.limit)
        if missed:
            poll.deliver(Run(missed))
        elif last.timeout:
            self._front.until(last.waits(now))
            self._sit(poll, last)
        else:
            poll.give_up()
        return True

    @property
    def origin(self) -> str | None:
        """The page that asks, where a browser says so."""
        return self._visit.origin

    def _sit(self, poll: Poll, last: Repeated) -> None:
        """Have the poll that waits, and those that follow it, served in C if they may be."""
        seats = self._entrance.seats
        if seats is None or poll.held or self._entrance.draining:
            return
        seat = seats.sit(self, poll, self._front.transport, last)
        if seat is not None:
            self._front.sit(seat)
            poll.sit(seat)

    def risen(self, asked: bool, deadline: float, unread: bytes, rest: bytes) -> None:
        """The connection is served by its transport again; see `Seat.leave`."""
        if self.poll is not None:
            self.poll.rise(asked)
        self._front.rise(asked, deadline, unread, rest)

    def forget(self) -> None:
        """Another request has come: what is like the last poll is no longer known."""
        self._repeated = None

    def ask(self, raw: bytes, head: Head, identity: Identity) -> None:
        """Take up a poll. Raises `Problem` where its parameters can't be used."""
        timeout = number(head.query, "timeout", 0, _LONGEST)
        limit = number(head.query, "limit", 1, _MOST) or _LIMIT
        cursor = head.cursor()
        waits = (TIMEOUT if timeout is None else timeout) if cursor else 0
        # No longer than it is known who asks.
        self._timeout = min(waits, max(0, identity.expires_at - time.time()))
        admission = self._entrance.admission
        poll = self._poll_of(identity.user)
        missed = admission.missed(poll.person, cursor)
        decoded = admission.decoded(cursor) if missed is None else None
        poll.ask(cursor, limit)
        if cursor and self._visit.keeps:
            self._repeated = repeated(
                raw, cursor, waits, limit, identity.expires_at, self._entrance.auth.era
            )
        if missed is None:
            self._begin_admission(poll, decoded)
        else:
            self._resume(poll)
            if missed:
                poll.deliver(Run(missed))
            else:
                self._wait(poll)

    def _begin_admission(self, poll: Poll, cursor: Cursor | None) -> None:
        if poll in poll.person.readers:
            self._entrance.hub.hold(poll)
        self._task = asyncio.create_task(self._admit(poll, cursor))

    async def _admit(self, poll: Poll, cursor: Cursor | None) -> None:
        try:
            await self._entrance.admission.admit(poll, cursor)
        except Exception as error:  # noqa: BLE001 - `problem_of` logs what is our fault
            self._let_go()
            self._visit.refuse(problem_of(error))
        else:
            self._wait(poll)
        self._task = None

    def _resume(self, poll: Poll) -> None:
        if poll.held and poll not in poll.person.readers:
            self._entrance.hub.roster.attach(poll)
            poll.release()

    def _wait(self, poll: Poll) -> None:
        """Let the poll wait for something, if it is to wait and has no answer yet."""
        if not poll.asked:
            return
        if self._timeout:
            self._front.until(self._timeout)
        else:
            poll.give_up()

    def _poll_of(self, user: str) -> Poll:
        """The connection's reader for polls; another one where somebody else asks."""
        poll = self.poll
        if poll is None or poll.person.name != user:
            self._let_go()
            hub = self._entrance.hub
            person = hub.roster.person(user)
            poll = self.poll = Poll(person, self._on_run, self._on_answer, hub.cursor)
            self._entrance.connections.polls(user)
        return poll

    def _on_run(self, run: Run) -> None:
        """The poll's answer is these events: the same bytes for all who waited for them."""
        entrance, visit = self._entrance, self._visit
        if entrance.draining or not visit.keeps:
            self._on_answer(run.answer())
        else:
            self._write(entrance.replies.run(run, visit.origin), True)

    def _on_answer(self, answer: bytes) -> None:
        visit = self._visit
        keep_alive = visit.keeps and not self._entrance.draining
        self._write(self._entrance.replies.poll(visit.origin, keep_alive) + answer, keep_alive)

    def _write(self, reply: bytes, keep_alive: bool) -> None:
        seat = None if self.poll is None else self.poll.seat
        if seat is not None:
            seat.answer(reply)
        else:
            self._front.transport.write(reply)
            self._visit.go_on(keep_alive)

    def on_time(self) -> bool:
        """Answer a poll whose time is over; whether there was one."""
        poll = self.poll
        if poll is None or not poll.asked:
            return False
        poll.give_up()
        return True

    def stop(self, code: str, reason: str) -> None:
        """Answer the poll that waits."""
        if self.poll is not None:
            self.poll.end(code, reason)

    def lost(self) -> None:
        """The connection is gone."""
        if self._task is not None:
            self._task.cancel()
        self._let_go()

    def _let_go(self) -> None:
        poll, self.poll = self.poll, None
        if poll is not None:
            if poll.seat is not None:
                poll.seat.leave()
                poll.seat = None
            poll.forget()
            self._entrance.connections.polls_no_more(poll.person.name)
            self._entrance.hub.roster.leave(poll)
