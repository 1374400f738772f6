"""What one connection asks of the streams and polls: who it is, from where on, and the answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import structlog

from app.patience import AWAY
from app.rules import cursor as cursors
from web.head import Block, Head, read_head
from web.live import Run
from web.parameters import number
from web.poll import Poll
from web.problems import Problem, of
from web.repeated import Repeated, repeated
from web.stream import Stream
from web.verified import Identity

if TYPE_CHECKING:
    from app.events import Connection
    from web.entrance import Entrance
    from web.front import Front

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: Where a client may put the cursor, by what EventSource and its many copies send.
_CURSOR_PARAMETERS: Final = ("cursor", "last_event_id", "lastEventId")

#: Seconds that a poll waits, and at most; events in its answer, and at most.
_TIMEOUT: Final = 25
_LONGEST: Final = 55
_LIMIT: Final = 100
_MOST: Final = 500


class Visit:
    """The stream of a connection, or its polls, one after the other."""

    __slots__ = (
        *("_block", "_entrance", "_expires_at", "_front", "_opened", "_origin", "_poll", "_stream"),
        *("_keeps", "_repeated", "_task", "_timeout"),
    )

    def __init__(self, entrance: Entrance, front: Front) -> None:
        self._entrance = entrance
        self._front = front
        self._block: Block | None = None
        #: The page that asks, where a browser says so.
        self._origin: str | None = None
        #: Whether the connection goes on after an answer.
        self._keeps = False
        self._stream: Stream | None = None
        self._poll: Poll | None = None
        self._opened: Connection | None = None
        self._expires_at = 0.0
        self._repeated: Repeated | None = None
        #: Seconds that the poll which is being admitted may wait.
        self._timeout = 0.0
        self._task: asyncio.Task[None] | None = None

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    def repeat(self, data: bytes) -> bool:
        """Serve a request that is the last poll with another cursor; whether it is that.

        Such a poll is served without being taken apart, and without asking who it is: that was
        found out from the very same bytes, and still holds.
        """
        last, poll, entrance = self._repeated, self._poll, self._entrance
        if last is None or poll is None:
            return False
        cursor = last.cursor_of(data)
        if cursor is None or last.era != entrance.auth.era or last.expires_at <= time.time():
            return False
        missed = entrance.admission.missed_lately(poll.person, cursor)
        if missed is None:
            return False
        poll.ask(cursor, last.limit)
        if missed:
            poll.deliver(Run(missed))
        elif last.timeout:
            self._front.until(last.timeout)
        else:
            poll.give_up()
        return True

    def ask(self, raw: bytes) -> None:
        """Take up a request, whose head this is."""
        self._repeated = None
        try:
            head = read_head(raw, self._block)
        except Problem as problem:
            self._front.refuse(problem)
            return
        self._block = head.block
        self._origin, self._keeps = head.block.headers.get("Origin"), head.block.keep_alive
        identity = self._entrance.auth.known_stream(head.block.headers, head.query)
        if identity is None:
            self._task = asyncio.create_task(self._verify(raw, head))
        else:
            self._try_open(raw, head, identity)

    async def _verify(self, raw: bytes, head: Head) -> None:
        try:
            identity = await self._entrance.auth.stream(head.block.headers, head.query)
        except Exception as error:  # noqa: BLE001 - `of` logs what is our fault
            self._refuse(of(error))
        else:
            self._try_open(raw, head, identity)

    def _try_open(self, raw: bytes, head: Head, identity: Identity) -> None:
        try:
            if head.path == "/v1/stream":
                self._open_stream(head, identity)
            else:
                self._ask_poll(raw, head, identity)
        except Exception as error:  # noqa: BLE001 - `of` logs what is our fault
            self._refuse(of(error))

    def _open_stream(self, head: Head, identity: Identity) -> None:
        entrance = self._entrance
        person = entrance.hub.roster.person(identity.user)
        cursor = _cursor(head)
        missed = entrance.admission.missed(person, cursor)
        decoded = self._decoded(cursor) if missed is None else None
        stream = Stream(
            person,
            self._front.transport,
            entrance.limits,
            entrance.replies.stream(self._origin),
            self._on_end,
        )
        # A stream answers once and asks no more: its request need not be remembered.
        self._block = None
        if entrance.full(person):
            self._stream = stream
            stream.end("too_many_streams", "This person has too many streams open.", patience=10)
            return
        self._stream = stream
        self._expires_at = identity.expires_at
        self._opened = entrance.connections.opened(identity.user, "sse")
        self._front.until(min(entrance.stream_life(), identity.expires_at - time.time()))
        if missed is not None:
            entrance.admission.resume(stream, cursor, missed)
        else:
            self._task = asyncio.create_task(self._admit_stream(stream, decoded))

    async def _admit_stream(self, stream: Stream, cursor: cursors.Cursor | None) -> None:
        try:
            await self._entrance.admission.admit(stream, cursor)
        except AWAY as error:
            log.info("a stream could not begin", error=repr(error))
            stream.end("unavailable", "The live state is away for a moment.")
        except Exception:
            log.exception("a stream could not begin", user=stream.person.name)
            stream.end("internal", "Something went wrong with this stream; please reconnect.")
        self._task = None

    def _ask_poll(self, raw: bytes, head: Head, identity: Identity) -> None:
        timeout = number(head.query, "timeout", 0, _LONGEST)
        limit = number(head.query, "limit", 1, _MOST) or _LIMIT
        cursor = _cursor(head)
        self._timeout = (_TIMEOUT if timeout is None else timeout) if cursor else 0
        admission, hub = self._entrance.admission, self._entrance.hub
        poll = self._poll_of(identity.user)
        missed = admission.missed(poll.person, cursor)
        decoded = self._decoded(cursor) if missed is None else None
        poll.ask(cursor, limit)
        if cursor and self._keeps:
            self._repeated = repeated(
                raw, cursor, self._timeout, limit, identity.expires_at, self._entrance.auth.era
            )
        if missed is None:
            if poll in poll.person.readers:
                hub.hold(poll)
            self._task = asyncio.create_task(self._admit_poll(poll, decoded))
            return
        if poll.held and poll not in poll.person.readers:
            hub.roster.attach(poll)
            poll.release()
        if missed:
            poll.deliver(Run(missed))
        else:
            self._wait(poll)

    async def _admit_poll(self, poll: Poll, cursor: cursors.Cursor | None) -> None:
        try:
            await self._entrance.admission.admit(poll, cursor)
        except Exception as error:  # noqa: BLE001 - `of` logs what is our fault
            self._let_go_of_poll()
            self._refuse(of(error))
        else:
            self._wait(poll)
        self._task = None

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
        poll = self._poll
        if poll is None or poll.person.name != user:
            self._let_go_of_poll()
            hub = self._entrance.hub
            poll = self._poll = Poll(
                hub.roster.person(user), self._on_run, self._on_answer, hub.cursor
            )
            self._entrance.connections.polls(user)
        return poll

    def _decoded(self, cursor: str) -> cursors.Cursor | None:
        return cursors.decode(cursor, self._entrance.hub.secret) if cursor else None

    # ── answers ──────────────────────────────────────────────────────────────────────────────

    def _on_run(self, run: Run) -> None:
        """The poll's answer is these events: the same bytes for all who waited for them."""
        entrance = self._entrance
        if entrance.draining or not self._keeps:
            self._on_answer(run.answer())
            return
        reply = run.replies.get(self._origin)
        if reply is None:
            reply = entrance.replies.poll(self._origin, True) + run.answer()
            run.replies[self._origin] = reply
        front = self._front
        front.transport.write(reply)
        front.next()

    def _on_answer(self, answer: bytes) -> None:
        keep_alive = self._keeps and not self._entrance.draining
        head = self._entrance.replies.poll(self._origin, keep_alive)
        self._front.transport.write(head + answer)
        self._go_on(keep_alive)

    def _refuse(self, problem: Problem) -> None:
        log.info("refused", status=problem.status, code=problem.code)
        reply = self._entrance.replies.problem(problem, self._origin, self._keeps)
        self._front.transport.write(reply)
        self._go_on(self._keeps)

    def _go_on(self, keep_alive: bool) -> None:
        if keep_alive:
            self._front.next()
        else:
            self._front.transport.close()

    def _on_end(self, code: str) -> None:
        """This side has ended the stream."""
        if self._stream is not None:
            self._entrance.hub.roster.leave(self._stream)
        if self._opened is not None:
            self._entrance.connections.closed(self._opened, code)
            self._opened = None

    # ── what happens to the connection ───────────────────────────────────────────────────────

    def ping(self) -> None:
        """Send a sign of life, if this is a stream."""
        if self._stream is not None:
            self._stream.ping()

    def on_time(self) -> None:
        """The poll's time is over, or the stream's."""
        self._entrance.hub.flush()
        if self._poll is not None and self._poll.asked:
            self._poll.give_up()
        elif self._stream is None:
            self._front.until(_TIMEOUT)  # it is still being let in
        elif time.time() > self._expires_at - 1:
            self._stream.end("token_expired", "The token has expired; come back with a new one.")
        else:
            self._stream.end("rotate", "Streams begin anew from time to time; please reconnect.")

    def stop(self, code: str, reason: str) -> None:
        """End the stream, or answer the poll."""
        for reader in (self._stream, self._poll):
            if reader is not None:
                reader.end(code, reason)

    def pause_writing(self) -> None:
        """The client does not take what is written."""
        if self._stream is not None:
            self._stream.pause()

    def resume_writing(self) -> None:
        """It does again."""
        if self._stream is not None:
            self._stream.resume()

    def lost(self) -> None:
        """The connection is gone."""
        if self._task is not None:
            self._task.cancel()
        self._let_go_of_poll()
        if self._stream is not None:
            self._stream.gone()
            self._on_end("gone")

    def _let_go_of_poll(self) -> None:
        poll, self._poll = self._poll, None
        if poll is not None:
            poll.asked = False
            self._entrance.connections.polls_no_more(poll.person.name)
            self._entrance.hub.roster.leave(poll)


def _cursor(head: Head) -> str:
    """Where the client says that it was: the header, or one of the parameters; or nothing."""
    given = head.block.headers.get("Last-Event-ID")
    if given:
        return given
    query = head.query
    return next((query[name] for name in _CURSOR_PARAMETERS if query.get(name)), "")
