"""One client's connection: finds where requests begin, and has each served by the right part.

Requests for streams and polls are served here, by a session of a few hundred bytes. aiohttp serves
all others, on a borrowed transport; only its public interfaces are used for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from web.http.problem import Problem
from web.server.aiohttp_bridge import AiohttpBridge
from web.server.deadline import Deadline
from web.server.native_polls import Handover
from web.server.request_head import (
    HTTP_REQUEST,
    MAX_HEAD,
    MAX_LINE,
    STREAM_OR_POLL,
    UNKNOWN_LENGTH,
    body_length,
    lacks_host,
    too_large,
)
from web.server.session import Session
from web.server.session_context import SessionContext

#: Bytes that may wait while a request is being answered.
MAX_AHEAD: Final = 64 * 1024

#: Seconds for a head to arrive, for a body, and between two requests. A body of unknown length has
#: its time together with the answer.
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 60.0
UNKNOWN_BODY_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 75.0

#: Seconds that a client gets to read the last answer before the connection is cut.
CLOSE_SECONDS: Final = 5.0


class ConnectionMode(Enum):
    """The part that serves a connection; the connection alone changes it.

    | from | event | to |
    |---|---|---|
    | IDLE | the head of a request for a stream or a poll has come | SESSION |
    | IDLE | the head of another request has come | AIOHTTP |
    | SESSION | the poll is answered | IDLE |
    | SESSION | a repeated poll waits, and the native part takes the connection | NATIVE |
    | NATIVE | the native part gives it back, a poll waits | SESSION |
    | NATIVE | the native part gives it back, no poll waits | IDLE |
    | AIOHTTP | the request has come whole and is answered | IDLE |
    | any | the last answer is written, the request is refused, or its time is over | CLOSING |
    """

    #: No request is under way; the head of the next may have come in part.
    IDLE = 1
    #: A stream, or a poll that waits for its answer.
    SESSION = 2
    #: A poll and those that repeat it, in C; the transport reads nothing.
    NATIVE = 3
    #: A request on aiohttp's protocol.
    AIOHTTP = 4
    #: The client reads the last answer.
    CLOSING = 5


_IDLE, _SESSION, _NATIVE = ConnectionMode.IDLE, ConnectionMode.SESSION, ConnectionMode.NATIVE
_AIOHTTP, _CLOSING = ConnectionMode.AIOHTTP, ConnectionMode.CLOSING


class ClientConnection(Deadline, asyncio.Protocol):
    """The protocol of one connection: finds where requests begin, and keeps the time.

    `connections` has all connections of the edge; `new_handler` makes aiohttp's protocols.
    """

    __slots__ = (
        *("_bridge", "_buffer", "_connections", "_context", "_mode", "_new_handler", "_paused"),
        *("_counted", "_session", "peer", "transport"),
    )

    def __init__(
        self,
        context: SessionContext,
        connections: set[ClientConnection],
        new_handler: Callable[[], asyncio.BaseProtocol],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(loop)
        self.transport: Any = None
        #: The address that is connected: a client, or a proxy.
        self.peer = ""
        #: Whether the connection counts among those of its address.
        self._counted = False
        self._context = context
        self._connections = connections
        self._new_handler = new_handler
        self._mode = _IDLE
        #: Bytes that have come and belong to no request yet.
        self._buffer = b""
        #: aiohttp's protocol, from the first request on that it serves.
        self._bridge: AiohttpBridge | None = None
        #: The stream or the polls, from their first request on.
        self._session: Session | None = None
        #: The part that was told to pause writing; until it is told to resume, no request begins.
        self._paused: Any = None

    # ── called by the transport ──────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, but not for long."""
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self._connections.add(self)
        self._counted = self._context.request_limits.allow_connection(self.peer)
        if not self._counted:
            # Without a word: even that would cost more than the connection.
            self._mode = _CLOSING
            self.transport.abort()
            return
        self.set_deadline(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take bytes, however they are cut."""
        before = self._buffer
        if self._mode is _IDLE and self._paused is None:
            if self._session is not None and not before:
                # The poll may be answered at once; until it is, nothing else begins.
                self._mode = _SESSION
                if self._session.repeat(data):
                    return
                self._mode = _IDLE
            self._buffer = before + data if before else data
            self._begin(not before)
            return
        self._buffer = before + data if before else data
        if self._bridge is not None and self._mode is _AIOHTTP:
            self._feed(self._bridge)
        elif len(self._buffer) > MAX_AHEAD:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """The client does not read what is written."""
        bridge = self._bridge
        serves = bridge is not None and self._mode is _AIOHTTP
        self._paused = bridge.handler if bridge is not None and serves else self._session
        if self._paused is not None:
            self._paused.pause_writing()
        if self._mode is _AIOHTTP:
            self.set_deadline(BODY_SECONDS)

    def resume_writing(self) -> None:
        """The client reads again."""
        paused, self._paused = self._paused, None
        if paused is not None:
            paused.resume_writing()
        if self._mode is _IDLE and self._buffer:
            self._loop.call_soon(self._go_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the parts that served the connection go."""
        self._connections.discard(self)
        if self._counted:
            self._context.request_limits.connections.leave(self.peer)
            self._counted = False
        self.clear_deadline()
        self._mode = _CLOSING
        if self._session is not None:
            self._session.lost()
            self._session = None
        if self._bridge is not None:
            self._bridge.lost(exc)
            self._bridge = None
        self._paused = None

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    def _begin(self, fresh: bool) -> None:
        """Begin a request if its head has come; `fresh`: nothing of it had come before."""
        data = self._buffer
        if data[:1] in (b"\r", b"\n"):
            data = self._buffer = data.lstrip(b"\r\n")
        end = data.find(b"\r\n\r\n") + 4
        if too_large(data, end):
            detail = f"a head has at most {MAX_HEAD} bytes, and a line of it {MAX_LINE}"
            self.refuse(Problem("head_too_large", detail))
        elif end < 4:
            # Empty lines may come before a request, and are not its beginning.
            if fresh and data:
                self.set_deadline(HEAD_SECONDS)
        elif not HTTP_REQUEST.match(data):
            self.refuse(Problem("bad_request", "the request does not begin as HTTP does"))
        elif lacks_host(data[:end]):
            self.refuse(Problem("bad_request", "a request of HTTP/1.1 has one Host"))
        elif STREAM_OR_POLL.match(data):
            self._serve(data, end)
        else:
            self._serve_with_aiohttp(data, end)

    def _serve(self, data: bytes, end: int) -> None:
        self._buffer = data[end:]
        self._mode = _SESSION
        if self._bridge is not None:
            self._bridge.take_back()
            self._bridge = None
        if self._session is None:
            self._session = Session(self._context, self)
        self.set_deadline(HEAD_SECONDS)
        self._session.serve(data[:end])

    def _serve_with_aiohttp(self, data: bytes, end: int) -> None:
        try:
            length = body_length(data[:end])
        except Problem as problem:
            self.refuse(problem)
            return
        self._mode = _AIOHTTP
        if self._bridge is None:
            self._bridge = AiohttpBridge(self.transport, self._new_handler(), self._next)
        self._bridge.begin(end + length)
        self.set_deadline(BODY_SECONDS if length < UNKNOWN_LENGTH else UNKNOWN_BODY_SECONDS)
        self._feed(self._bridge)

    def _feed(self, bridge: AiohttpBridge) -> None:
        """Give aiohttp the bytes of its request, and none of the next."""
        request, self._buffer = bridge.cut(self._buffer)
        if request:
            bridge.handler.data_received(request)
        if bridge.served:
            self._next()
        elif len(self._buffer) > MAX_AHEAD:
            self.transport.pause_reading()

    def answered(self, keep_alive: bool) -> None:
        """An answer has been written: wait for the next request, or close."""
        if keep_alive:
            self._next()
        else:
            self.close()

    def _next(self) -> None:
        """Go on with the next request, or wait for it."""
        self._mode = _IDLE
        self.set_deadline(IDLE_SECONDS)
        if self._buffer:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        waits = self._mode is _IDLE and self._buffer and self._paused is None
        if waits and not self.transport.is_closing():
            self.transport.resume_reading()
            self._begin(True)

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem and close: the end of the request is not known."""
        self.transport.write(self._context.responses.problem(problem, None, False))
        self.close()

    def close(self) -> None:
        """Close when the client has read the last answer, or soon after."""
        self._mode, self._buffer = _CLOSING, b""
        self.transport.close()
        self.set_deadline(CLOSE_SECONDS)

    # ── the native part ──────────────────────────────────────────────────────────────────────

    def enter_native(self) -> None:
        """Leave the connection to the native part."""
        self._mode = _NATIVE
        self.transport.pause_reading()

    def leave_native(self, handover: Handover) -> None:
        """Serve the connection again."""
        self._mode = _SESSION if handover.waiting else _IDLE
        self.set_deadline_at(handover.deadline)
        if handover.unwritten:
            self.transport.write(handover.unwritten)
        self._buffer = handover.unread
        if handover.unread and not handover.waiting:
            self._loop.call_soon(self._go_on)
        self.transport.resume_reading()

    def _release_native(self) -> None:
        """Have the connection back, where the native part serves it."""
        if self._mode is _NATIVE and self._session is not None:
            slot = self._session.slot
            if slot is not None:
                slot.release()

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    def on_deadline(self) -> None:
        """The time of a request is over, of an answer, or that between two requests."""
        if self._mode is _NATIVE and self._session is not None:
            slot = self._session.slot
            if slot is not None and (left := slot.time_left()):
                self.set_deadline(slot.next_check(left))
                return
            self._release_native()
            if self._mode is _IDLE and self._buffer:
                return  # the next request has come after all
        if self._mode is _CLOSING:
            self.transport.abort()
        elif self._mode is _SESSION and self._session is not None:
            self._session.on_deadline()
        elif self._mode is _AIOHTTP and self._bridge is not None and not self._stuck(self._bridge):
            self.set_deadline(BODY_SECONDS)
        elif self._mode is _IDLE and self._buffer and self._paused is None:
            detail = f"the head of a request has to arrive within {HEAD_SECONDS:.0f} s"
            self.refuse(Problem("request_timeout", detail))
        else:
            self.close()

    def _stuck(self, bridge: AiohttpBridge) -> bool:
        """Whether the client has stopped sending its request, or reading the answer."""
        return bridge.unfinished or self._paused is not None or self.transport.is_closing()

    def ping(self) -> None:
        """Send a ping, if this is a stream."""
        if self._mode is _SESSION and self._session is not None:
            self._session.ping()

    def stop(self, code: str, reason: str) -> None:
        """End the stream or the poll; aiohttp's request goes on."""
        self._release_native()
        if self._mode is _SESSION and self._session is not None:
            self._session.stop(code, reason)

    def recheck(self) -> None:
        """End the stream or the poll of a caller whose token does not count any more."""
        if self._session is not None and (problem := self._session.shut_out()) is not None:
            self.stop(problem.code, problem.detail)

    @property
    def mode(self) -> ConnectionMode:
        """The part that serves the connection at present."""
        return self._mode

    def close_idle(self) -> None:
        """Close the connection, if no request is under way on it."""
        self._release_native()
        if self._mode is _IDLE and not self._buffer:
            self.close()
