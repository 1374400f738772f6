"""The session of a connection: one stream, or polls one after the other.

The session finds out the caller, opens the stream or hands the poll on, and answers what is wrong
with a request.
"""

from __future__ import annotations

import asyncio
import time

import structlog

from app.domain.cursor import Cursor
from app.events import Connection as ConnectionEvent
from app.runtime.retry import AWAY
from web.auth.token_cache import Identity
from web.http.problem import Problem, problem_of, retry_after
from web.http.stream_parameters import TIMEOUT
from web.hub.room import BROKEN, UNAVAILABLE, User
from web.limits.kinds import Kind
from web.limits.refusal import is_failed_login
from web.server.native_polls import NativeSlot
from web.server.poll_session import PollSession
from web.server.request_head import HeaderBlock, RequestHead, read_head
from web.server.session_context import SessionConnection, SessionContext, send_problem
from web.server.sse_stream import SseStream, goodbye, stream_life

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Session:
    """The stream of a connection, or its polls."""

    __slots__ = (
        *("_address", "_block", "_connection", "_context", "_identity", "_opened"),
        *("_polls", "_stream", "_task"),
    )

    def __init__(self, context: SessionContext, connection: SessionConnection) -> None:
        self._context = context
        self._connection = connection
        #: The header lines of the last request: a client's next poll repeats them.
        self._block: HeaderBlock | None = None
        #: The client's, behind proxies too.
        self._address = ""
        self._stream: SseStream | None = None
        self._polls: PollSession | None = None
        self._opened: ConnectionEvent | None = None
        #: The caller of the stream, or of the last poll.
        self._identity: Identity | None = None
        self._task: asyncio.Task[None] | None = None

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    def repeat(self, data: bytes) -> bool:
        """Serve a request that is the last poll with another cursor; whether it is that."""
        return self._polls is not None and self._polls.repeat(data)

    def serve(self, raw: bytes) -> None:
        """Serve a request with this head."""
        if self._polls is not None:
            self._polls.forget_template()
        try:
            head = read_head(raw, self._block)
        except Problem as problem:
            self._connection.refuse(problem)
            return
        self._block = head.block
        limits = self._context.request_limits
        try:
            given = head.block.proxied.get(limits.addresses.header, ())
            self._address = limits.allow_address(self._connection.peer, given)
        except Problem as problem:
            self._fail(head, problem)
            return
        identity = self._context.authenticator.known_stream(head.block.headers, head.query)
        if identity is None:
            self._task = asyncio.create_task(self._verify(raw, head))
        else:
            self._try_open(raw, head, identity)

    async def _verify(self, raw: bytes, head: RequestHead) -> None:
        try:
            identity = await self._context.authenticator.stream(head.block.headers, head.query)
        except Exception as error:  # noqa: BLE001 - `problem_of` logs an unexpected one
            self._fail(head, self._counted(problem_of(error)))
        else:
            self._try_open(raw, head, identity)

    def _counted(self, problem: Problem) -> Problem:
        """The problem with a token; another one where the address had too many of them."""
        if is_failed_login(problem):
            try:
                self._context.request_limits.limiter.allow((Kind.FAILED, self._address, 1))
            except Problem as too_many:
                return too_many
        return problem

    def _try_open(self, raw: bytes, head: RequestHead, identity: Identity) -> None:
        self._identity = identity
        try:
            if head.path == "/v1/stream":
                self._open_stream(head, identity)
            else:
                self._poll(raw, head, identity)
        except Exception as error:  # noqa: BLE001 - `problem_of` logs an unexpected one
            self._fail(head, problem_of(error))

    def _open_stream(self, head: RequestHead, identity: Identity) -> None:
        context = self._context
        if not identity.admin:
            context.request_limits.limiter.allow((Kind.CONNECT, identity.user, 1))
        user = context.state.registry.user(identity.user)
        cursor = head.cursor()
        missed = context.state.missed(user, cursor)
        decoded = context.admission.decoded(cursor) if missed is None else None
        stream = SseStream(
            user,
            self._connection.transport,
            context.limits,
            context.responses.stream(head.block.origin),
            self._on_end,
        )
        # A stream has one request: its header lines need not be kept.
        self._block = None
        self._stream = stream
        stream.watch()
        if self._too_many_streams(user):
            reason = "This person has too many streams open."
            stream.end("too_many_streams", reason, retry_factor=10)
            return
        self._opened = context.connection_events.opened(identity.user, "sse")
        life = min(stream_life(context.mean_stream_life), identity.expires_at - time.time())
        self._connection.set_deadline(life)
        # From here on the stream counts as one of the user's.
        context.state.registry.attach(stream)
        context.metrics.streams += 1
        if missed is not None:
            context.admission.resume(stream, cursor, missed)
        else:
            self._task = asyncio.create_task(self._admit_stream(stream, decoded))

    def _too_many_streams(self, user: User) -> bool:
        streams = sum(isinstance(one, SseStream) for one in user.subscribers)
        return streams >= self._context.max_streams

    async def _admit_stream(self, stream: SseStream, cursor: Cursor | None) -> None:
        try:
            await self._context.admission.admit(stream, cursor)
        except AWAY as error:
            log.info("a stream could not begin", error=repr(error))
            stream.end(*UNAVAILABLE)
        except Exception:
            log.exception("a stream could not begin", user=stream.user.name)
            stream.end(*BROKEN)
        self._task = None

    def _poll(self, raw: bytes, head: RequestHead, identity: Identity) -> None:
        if self._polls is None:
            self._polls = PollSession(self._context, self._connection)
        self._polls.serve(raw, head, identity)

    # ── answers ──────────────────────────────────────────────────────────────────────────────

    def _fail(self, head: RequestHead, problem: Problem) -> None:
        """Answer with a problem; one that is over in a while is a goodbye for a stream.

        An EventSource takes any status but 200 as the end for good. A refusal for asking too often
        is held back: meanwhile the client can't ask again on this connection.
        """
        if problem.status == 429:
            self._task = asyncio.create_task(self._fail_later(head, problem))
        else:
            self._answer_with(head, problem)

    async def _fail_later(self, head: RequestHead, problem: Problem) -> None:
        await self._context.request_limits.hold_back(retry_after(problem))
        self._task = None
        self._answer_with(head, problem)

    def _answer_with(self, head: RequestHead, problem: Problem) -> None:
        context, connection = self._context, self._connection
        retry_ms: float = context.limits.retry_ms
        passes = problem.status >= 500 or problem.status == 429
        if head.path != "/v1/stream" or not passes:
            block = head.block
            send_problem(context, connection, problem, block.origin, block.keep_alive)
            return
        why = UNAVAILABLE if problem.status == 503 else BROKEN
        if problem.status == 429:
            why = problem.code, problem.detail
            # A goodbye halves it for some.
            retry_ms = max(retry_ms, 2000 * retry_after(problem))
        if self._stream is not None:
            self._stream.end(*why)
            return
        head_of_stream = context.responses.stream(head.block.origin)
        connection.transport.write(head_of_stream + goodbye(*why, retry_ms))
        connection.answered(False)

    def _on_end(self, code: str) -> None:
        """This side has ended the stream."""
        if self._stream is not None:
            self._context.state.registry.detach(self._stream)
        if self._opened is not None:
            self._context.connection_events.closed(self._opened, code)
            self._context.metrics.streams -= 1
            self._context.metrics.streams_ended.add(code)
            self._opened = None

    # ── events of the connection ─────────────────────────────────────────────────────────────

    @property
    def slot(self) -> NativeSlot | None:
        """The connection's place in the native part, while it is served there."""
        return None if self._polls is None else self._polls.slot

    def ping(self) -> None:
        """Send a ping, if this is a stream."""
        if self._stream is not None:
            self._stream.ping()

    def on_deadline(self) -> None:
        """The time of the poll is over, or that of the stream."""
        if self._polls is not None and self._polls.on_deadline():
            return
        if self._stream is None:
            self._connection.set_deadline(TIMEOUT.default)  # the poll is still being admitted
        elif self._identity is not None and time.time() > self._identity.expires_at - 1:
            self._end_stream("token_expired", "The token has expired; come back with a new one.")
        else:
            self._end_stream("rotate", "Streams begin anew from time to time; please reconnect.")

    def shut_out(self) -> Problem | None:
        """Why the caller's token does not count any more; `None`: it does, or nobody called."""
        if self._identity is None:
            return None
        return self._context.authenticator.shut_out(self._identity)

    def stop(self, code: str, reason: str) -> None:
        """End the stream, or answer the poll."""
        self._end_stream(code, reason)
        if self._polls is not None:
            self._polls.stop(code, reason)

    def _end_stream(self, code: str, reason: str) -> None:
        if self._stream is not None:
            self._context.state.end(self._stream, code, reason)

    def pause_writing(self) -> None:
        """The client does not read what is written."""
        if self._stream is not None:
            self._stream.pause()

    def resume_writing(self) -> None:
        """The client reads again."""
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
