"""What one connection asks of the streams and polls: who it is, from where on, and the answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from app.domain import cursor as cursors
from app.runtime.retry import AWAY
from web.auth.token_cache import Identity
from web.http.problem import Problem, problem_of
from web.hub.subscriber import BROKEN, UNAVAILABLE
from web.server.poll_session import TIMEOUT, Polls
from web.server.request_head import Block, Head, read_head
from web.server.sse_stream import Stream, farewell

if TYPE_CHECKING:
    from app.events import Connection
    from web.server.connection import Front
    from web.server.connection_manager import Entrance

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Visit:
    """The stream of a connection, or its polls, one after the other."""

    __slots__ = (
        *("_block", "_entrance", "_expires_at", "_front", "_opened", "_polls", "_stream", "_task"),
        *("keeps", "origin"),
    )

    def __init__(self, entrance: Entrance, front: Front) -> None:
        self._entrance = entrance
        self._front = front
        self._block: Block | None = None
        #: The page that asks, where a browser says so.
        self.origin: str | None = None
        #: Whether the connection goes on after an answer.
        self.keeps = False
        self._stream: Stream | None = None
        self._polls: Polls | None = None
        self._opened: Connection | None = None
        self._expires_at = 0.0
        self._task: asyncio.Task[None] | None = None

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    def repeat(self, data: bytes) -> bool:
        """Serve a request that is the last poll with another cursor; whether it is that."""
        return self._polls is not None and self._polls.repeat(data)

    def ask(self, raw: bytes) -> None:
        """Take up a request, whose head this is."""
        if self._polls is not None:
            self._polls.forget()
        try:
            head = read_head(raw, self._block)
        except Problem as problem:
            self._front.refuse(problem)
            return
        self._block = head.block
        self.origin, self.keeps = head.block.headers.get("Origin"), head.block.keep_alive
        identity = self._entrance.auth.known_stream(head.block.headers, head.query)
        if identity is None:
            self._task = asyncio.create_task(self._verify(raw, head))
        else:
            self._try_open(raw, head, identity)

    async def _verify(self, raw: bytes, head: Head) -> None:
        try:
            identity = await self._entrance.auth.stream(head.block.headers, head.query)
        except Exception as error:  # noqa: BLE001 - `problem_of` logs what is our fault
            self._fail(head, problem_of(error))
        else:
            self._try_open(raw, head, identity)

    def _try_open(self, raw: bytes, head: Head, identity: Identity) -> None:
        try:
            if head.path == "/v1/stream":
                self._open_stream(head, identity)
            else:
                self._ask_poll(raw, head, identity)
        except Exception as error:  # noqa: BLE001 - `problem_of` logs what is our fault
            self._fail(head, problem_of(error))

    def _open_stream(self, head: Head, identity: Identity) -> None:
        entrance = self._entrance
        person = entrance.hub.roster.person(identity.user)
        cursor = head.cursor()
        missed = entrance.admission.missed(person, cursor)
        decoded = entrance.admission.decoded(cursor) if missed is None else None
        stream = Stream(
            person,
            self._front.transport,
            entrance.limits,
            entrance.replies.stream(self.origin),
            self._on_end,
        )
        # A stream answers once and asks no more: its request need not be remembered.
        self._block = None
        self._stream = stream
        stream.watch()
        if entrance.full(person):
            stream.end("too_many_streams", "This person has too many streams open.", patience=10)
            return
        self._expires_at = identity.expires_at
        self._opened = entrance.connections.opened(identity.user, "sse")
        self._front.until(min(entrance.stream_life(), identity.expires_at - time.time()))
        # From here on it counts as one of the person's.
        entrance.hub.roster.attach(stream)
        if missed is not None:
            entrance.admission.resume(stream, cursor, missed)
        else:
            self._task = asyncio.create_task(self._admit_stream(stream, decoded))

    async def _admit_stream(self, stream: Stream, cursor: cursors.Cursor | None) -> None:
        try:
            await self._entrance.admission.admit(stream, cursor)
        except AWAY as error:
            log.info("a stream could not begin", error=repr(error))
            stream.end(*UNAVAILABLE)
        except Exception:
            log.exception("a stream could not begin", user=stream.person.name)
            stream.end(*BROKEN)
        self._task = None

    def _ask_poll(self, raw: bytes, head: Head, identity: Identity) -> None:
        if self._polls is None:
            self._polls = Polls(self._entrance, self._front, self)
        self._polls.ask(raw, head, identity)

    # ── answers ──────────────────────────────────────────────────────────────────────────────

    def _fail(self, head: Head, problem: Problem) -> None:
        """Answer what went wrong; for an EventSource anything but 200 would be the end for good."""
        if head.path != "/v1/stream" or problem.status < 500:
            self.refuse(problem)
            return
        why = UNAVAILABLE if problem.status == 503 else BROKEN
        if self._stream is not None:
            self._stream.end(*why)
            return
        entrance = self._entrance
        goodbye = farewell(*why, entrance.limits.retry_ms)
        self._front.transport.write(entrance.replies.stream(self.origin) + goodbye)
        self._front.close()

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem."""
        log.info("refused", status=problem.status, code=problem.code)
        reply = self._entrance.replies.problem(problem, self.origin, self.keeps)
        self._front.transport.write(reply)
        self.go_on(self.keeps)

    def go_on(self, keep_alive: bool) -> None:
        """An answer is written: wait for the next request, or close."""
        if keep_alive:
            self._front.next()
        else:
            self._front.close()

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
        if self._polls is not None and self._polls.on_time():
            return
        if self._stream is None:
            self._front.until(TIMEOUT)  # it is still being let in
        elif time.time() > self._expires_at - 1:
            self._stream.end("token_expired", "The token has expired; come back with a new one.")
        else:
            self._stream.end("rotate", "Streams begin anew from time to time; please reconnect.")

    def stop(self, code: str, reason: str) -> None:
        """End the stream, or answer the poll."""
        self._entrance.hub.flush()
        if self._stream is not None:
            self._stream.end(code, reason)
        if self._polls is not None:
            self._polls.stop(code, reason)

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
        if self._polls is not None:
            self._polls.lost()
            self._polls = None
        if self._stream is not None:
            self._stream.gone()
            self._on_end("gone")
