"""The polls of one connection, one after the other."""

from __future__ import annotations

import asyncio
import time

from app.domain.cursor import Cursor
from web.auth.token_cache import Identity
from web.http.problem import problem_of
from web.http.stream_parameters import LIMIT, TIMEOUT
from web.hub.event import EventBatch
from web.hub.room import Subscriber
from web.limits.kinds import Kind
from web.limits.refusal import RateLimited
from web.server.native_polls import Handover, NativeSlot
from web.server.poll_subscriber import PollSubscriber
from web.server.poll_template import PollTemplate, poll_template
from web.server.request_head import RequestHead
from web.server.session_context import SessionConnection, SessionContext, send_problem


class PollSession:
    """Takes each poll to its answer: at once, with the next event, or when its time is over."""

    __slots__ = (
        *("_connection", "_context", "_keep_alive", "_limited", "_poll", "_task", "_template"),
        "_timeout",
        "origin",
    )

    def __init__(self, context: SessionContext, connection: SessionConnection) -> None:
        self._context = context
        self._connection = connection
        #: The connection's subscriber.
        self._poll: PollSubscriber | None = None
        self._template: PollTemplate | None = None
        #: Seconds that the poll which is being admitted may wait.
        self._timeout = 0.0
        self._task: asyncio.Task[None] | None = None
        #: The page that polls, where a browser says so.
        self.origin: str | None = None
        #: Whether the client keeps the connection after an answer.
        self._keep_alive = False
        #: Whether the polls count in the user's limits.
        self._limited = True

    @property
    def subscriber(self) -> Subscriber:
        """The connection's subscriber; there is one from the first poll on."""
        assert self._poll is not None
        return self._poll

    @property
    def slot(self) -> NativeSlot | None:
        """The connection's place in the native part, while it is served there."""
        return None if self._poll is None else self._poll.slot

    def repeat(self, data: bytes) -> bool:
        """Serve a request that is the last poll with another cursor; whether it is that.

        Such a poll is neither parsed nor authenticated again: the same bytes were, and the token
        still holds.
        """
        template, poll, context = self._template, self._poll, self._context
        if template is None or poll is None:
            return False
        cursor, now = template.cursor_of(data), time.time()
        stale = template.generation != context.authenticator.generation
        if cursor is None or stale or template.expires_at <= now:
            return False
        missed = context.state.missed_lately(poll.user, cursor)
        if missed is None:
            return False
        if (missed or not template.timeout) and not self.may_poll():
            return False  # served from the beginning, it is refused
        poll.ask(cursor, template.limit)
        if missed:
            poll.deliver(EventBatch(missed))
        elif template.timeout:
            self._connection.set_deadline(template.wait_seconds(now))
            self._enter_native(poll, template)
        else:
            poll.give_up()
        return True

    def may_poll(self) -> bool:
        """Count a repeated poll; whether it is not one too many."""
        if self._limited:
            try:
                use = (Kind.POLL, self.subscriber.user.name, 1)
                self._context.request_limits.limiter.allow(use)
            except RateLimited:
                return False
        return True

    def forget_template(self) -> None:
        """Another request has come: the last poll is not repeated."""
        self._template = None

    def serve(self, raw: bytes, head: RequestHead, identity: Identity) -> None:
        """Serve a poll. Raises `Problem` where its parameters can't be used."""
        self.origin, self._keep_alive = head.block.origin, head.block.keep_alive
        timeout, limit = TIMEOUT.of(head.query), LIMIT.of(head.query)
        cursor = head.cursor()
        seconds = timeout if cursor else 0
        # Not beyond the end of the token, or of the ticket.
        self._timeout = min(seconds, max(0, identity.opens_until - time.time()))
        context = self._context
        self._limited = not identity.admin
        if self._limited:
            context.request_limits.limiter.allow((Kind.POLL, identity.user, 1))
        poll = self._poll_of(identity.user)
        missed = context.state.missed(poll.user, cursor)
        decoded = context.admission.decoded(cursor) if missed is None else None
        poll.ask(cursor, limit)
        if cursor and self._keep_alive:
            generation = context.authenticator.generation
            self._template = poll_template(
                raw, cursor, seconds, limit, identity.opens_until, generation
            )
        if missed is None:
            self._begin_admission(poll, decoded)
        else:
            self._resume(poll)
            if missed:
                poll.deliver(EventBatch(missed))
            else:
                self._wait(poll)

    def _begin_admission(self, poll: PollSubscriber, cursor: Cursor | None) -> None:
        if poll in poll.user.subscribers:
            self._context.state.hold(poll)
        self._task = asyncio.create_task(self._admit(poll, cursor))

    async def _admit(self, poll: PollSubscriber, cursor: Cursor | None) -> None:
        try:
            await self._context.admission.admit(poll, cursor)
        except Exception as error:  # noqa: BLE001 - `problem_of` logs an unexpected one
            self._drop_poll()
            problem = problem_of(error)
            send_problem(self._context, self._connection, problem, self.origin, self._keep_alive)
        else:
            self._wait(poll)
        self._task = None

    def _resume(self, poll: PollSubscriber) -> None:
        if poll.held and poll not in poll.user.subscribers:
            self._context.state.registry.attach(poll)
            poll.release()

    def _wait(self, poll: PollSubscriber) -> None:
        """Let the poll wait, if it has a timeout and no answer yet."""
        if not poll.is_waiting:
            return
        if self._timeout:
            self._connection.set_deadline(self._timeout)
        else:
            poll.give_up()

    def _poll_of(self, name: str) -> PollSubscriber:
        """The connection's subscriber; a new one where another user polls."""
        poll = self._poll
        if poll is None or poll.user.name != name:
            self._drop_poll()
            self._context.request_limits.begin_polls(name)
            state = self._context.state
            user = state.registry.user(name)
            budget = self._context.request_limits.answer_bytes
            poll = PollSubscriber(user, self._on_batch, self._on_answer, state.cursor, budget)
            self._poll = poll
            self._context.connection_events.polls(name)
            self._context.metrics.polls += 1
        return poll

    # ── the native part ──────────────────────────────────────────────────────────────────────

    def _enter_native(self, poll: PollSubscriber, template: PollTemplate) -> None:
        """Have the waiting poll, and those that repeat it, served in C where that is possible."""
        native = self._context.native_polls
        if native is None or poll.held or self._context.ending.is_set():
            return
        slot = native.enter(self, self._connection.transport, template)
        if slot is not None:
            self._connection.enter_native()
            poll.enter_native(slot)

    def leave_native(self, handover: Handover) -> None:
        """The transport serves the connection again."""
        if self._poll is not None:
            self._poll.leave_native(handover.waiting)
        self._connection.leave_native(handover)

    # ── answers ──────────────────────────────────────────────────────────────────────────────

    def _on_batch(self, batch: EventBatch) -> None:
        """Answer with these events: the same bytes for all polls that waited for them."""
        context = self._context
        if context.ending.is_set() or not self._keep_alive:
            self._on_answer(batch.answer())
        else:
            self._write(context.responses.batch(batch, self.origin), True)

    def _on_answer(self, answer: bytes) -> None:
        keep_alive = self._keep_alive and not self._context.ending.is_set()
        head = self._context.responses.poll(self.origin, keep_alive)
        self._write(head + answer, keep_alive)

    def _write(self, response: bytes, keep_alive: bool) -> None:
        slot = self.slot
        if slot is not None:
            slot.answer(response)
        else:
            self._connection.transport.write(response)
            self._connection.answered(keep_alive)

    # ── events of the connection ─────────────────────────────────────────────────────────────

    def on_deadline(self) -> bool:
        """Answer a poll whose time is over; whether there was one."""
        poll = self._poll
        if poll is None or not poll.is_waiting:
            return False
        poll.give_up()
        return True

    def stop(self, code: str, reason: str) -> None:
        """Answer the waiting poll."""
        if self._poll is not None:
            self._poll.end(code, reason)

    def lost(self) -> None:
        """The connection is gone."""
        if self._task is not None:
            self._task.cancel()
        self._drop_poll()

    def _drop_poll(self) -> None:
        poll, self._poll = self._poll, None
        if poll is not None:
            poll.forget()
            self._context.metrics.polls -= 1
            self._context.request_limits.end_polls(poll.user.name)
            self._context.connection_events.polls_no_more(poll.user.name)
            self._context.state.registry.detach(poll)
