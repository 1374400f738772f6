"""The front of every connection: who serves a request is decided by its first line.

Requests for streams and polls stay here, with a reader that is a few hundred bytes; any other is
lent, with the connection, to aiohttp's server, and taken back when it has been answered. Only
public interfaces are used for that: `web.Server` makes protocols, and a protocol is given bytes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from web.http.problem import Problem
from web.server.deadline import Timed
from web.server.framing import HTTP, MOST_HEAD, MOST_LINE, OPAQUE, OURS, body_length, too_large
from web.server.loan import Loan
from web.server.stream_session import Visit

if TYPE_CHECKING:
    from web.server.connection_manager import Entrance
    from web.server.seat import Seat

#: Bytes that may wait while a request is being answered.
MOST_AHEAD: Final = 64 * 1024

#: Seconds for a head to arrive, for a body, and between two requests. A body of which only aiohttp
#: knows where it ends has its time together with the answer.
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 60.0
OPAQUE_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 75.0

#: Seconds that a client gets to read what it was sent last before the connection is cut.
LAST_SECONDS: Final = 5.0

_IDLE, _VISITED, _LENT, _SEATED, _CLOSING = range(5)


class Front(Timed, asyncio.Protocol):
    """One connection: finds where requests begin, and keeps the time."""

    __slots__ = (
        *("_buffer", "_entrance", "_loan", "_paused", "_seat", "_state", "_visit", "transport"),
    )

    def __init__(self, entrance: Entrance) -> None:
        super().__init__(entrance.loop)
        self.transport: Any = None
        self._entrance = entrance
        self._buffer = b""
        self._state = _IDLE
        #: What aiohttp has of this connection, once it has served a request.
        self._loan: Loan | None = None
        self._visit: Visit | None = None
        #: Where the connection is served in C, while it is.
        self._seat: Seat | None = None
        #: Who was told to pause writing, and is told to go on; meanwhile no request begins.
        self._paused: Any = None

    # ── what the transport calls ─────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, but not for long."""
        self.transport = transport
        self._entrance.fronts.add(self)
        self.until(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take bytes, however they are cut."""
        before = self._buffer
        if self._state == _IDLE and self._paused is None:
            if self._visit is not None and not before:
                # It is served at once: while it is being so, nothing else begins.
                self._state = _VISITED
                if self._visit.repeat(data):
                    return
                self._state = _IDLE
            self._buffer = before + data if before else data
            self._begin(not before)
            return
        self._buffer = before + data if before else data
        if self._loan is not None and self._state == _LENT:
            self._feed(self._loan)
        elif len(self._buffer) > MOST_AHEAD:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """The client does not take what is written."""
        loan = self._loan
        self._paused = loan.handler if loan and self._state == _LENT else self._visit
        if self._paused is not None:
            self._paused.pause_writing()
        if self._state == _LENT:
            self.until(BODY_SECONDS)

    def resume_writing(self) -> None:
        """It does again."""
        paused, self._paused = self._paused, None
        if paused is not None:
            paused.resume_writing()
        if self._state == _IDLE and self._buffer:
            self._loop.call_soon(self._go_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone: tell whoever had it."""
        self._entrance.fronts.discard(self)
        self.never()
        self._seat = None
        if self._visit is not None:
            self._visit.lost()
            self._visit = None
        if self._loan is not None:
            self._loan.lost(exc)
            self._loan = None
        self._paused = None

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    def _begin(self, fresh: bool) -> None:
        """A request begins, or goes on to begin."""
        data = self._buffer
        if data[:1] in (b"\r", b"\n"):
            data = self._buffer = data.lstrip(b"\r\n")
        end = data.find(b"\r\n\r\n") + 4
        if too_large(data, end):
            detail = f"a head has at most {MOST_HEAD} bytes, and a line of it {MOST_LINE}"
            self.refuse(Problem("head_too_large", detail))
        elif end < 4:
            # Empty lines may come before a request, and are no beginning of one.
            if fresh and data:
                self.until(HEAD_SECONDS)
        elif OURS.match(data):
            self._serve(data, end)
        elif HTTP.match(data):
            self._lend(data, end)
        else:
            self.refuse(Problem("bad_request", "the request does not begin as HTTP does"))

    def _serve(self, data: bytes, end: int) -> None:
        self._buffer = data[end:]
        self._state = _VISITED
        if self._loan is not None:
            self._loan.take_back()
            self._loan = None
        if self._visit is None:
            self._visit = Visit(self._entrance, self)
        self.until(HEAD_SECONDS)
        self._visit.ask(data[:end])

    def _lend(self, data: bytes, end: int) -> None:
        self._state = _LENT
        if self._loan is None:
            self._loan = Loan(self.transport, self._entrance.server(), self.next)
        length = body_length(data[:end])
        self._loan.begin(end + length)
        self.until(BODY_SECONDS if length < OPAQUE else OPAQUE_SECONDS)
        self._feed(self._loan)

    def _feed(self, loan: Loan) -> None:
        """Give aiohttp its request, and nothing of the next."""
        its, self._buffer = loan.cut(self._buffer)
        if its:
            loan.handler.data_received(its)
        if loan.served:
            self.next()
        elif len(self._buffer) > MOST_AHEAD:
            self.transport.pause_reading()

    def next(self) -> None:
        """The request is answered: go on with the next one, or wait for it."""
        self._state = _IDLE
        self.until(IDLE_SECONDS)
        if self._buffer:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        waits = self._state == _IDLE and self._buffer and self._paused is None
        if waits and not self.transport.is_closing():
            self.transport.resume_reading()
            self._begin(True)

    def refuse(self, problem: Problem) -> None:
        """Answer what can't be used, and close: nobody knows where the next request begins."""
        self.transport.write(self._entrance.replies.problem(problem, None, False))
        self.close()

    def close(self) -> None:
        """Close when the client has read what was written, or soon after."""
        self._state, self._buffer = _CLOSING, b""
        self.transport.close()
        self.until(LAST_SECONDS)

    # ── polls that are served in C ───────────────────────────────────────────────────────────

    def sit(self, seat: Seat) -> None:
        """Leave the connection to its seat."""
        self._state, self._seat = _SEATED, seat
        self.transport.pause_reading()

    def rise(self, asked: bool, deadline: float, unread: bytes, rest: bytes) -> None:
        """Have the connection back: whether a poll waits, and bytes to be served and written."""
        self._state, self._seat = (_VISITED if asked else _IDLE), None
        self.until_then(deadline)
        if rest:
            self.transport.write(rest)
        self._buffer = unread
        if unread and not asked:
            self._loop.call_soon(self._go_on)
        self.transport.resume_reading()

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    def on_due(self) -> None:
        """Its time is over: a request's, an answer's, or that between two requests."""
        if self._seat is not None:
            if left := self._seat.left():
                self.until(self._seat.look_again(left))
                return
            self._seat.rise()
            if self._state == _IDLE and self._buffer:
                return  # its next request has come after all
        if self._state == _CLOSING:
            self.transport.abort()
        elif self._state == _VISITED and self._visit is not None:
            self._visit.on_time()
        elif self._state == _LENT and self._loan is not None and not self._stuck(self._loan):
            self.until(BODY_SECONDS)
        elif self._state == _IDLE and self._buffer and self._paused is None:
            detail = f"the head of a request has to arrive within {HEAD_SECONDS:.0f} s"
            self.refuse(Problem("request_timeout", detail))
        else:
            self.close()

    def _stuck(self, loan: Loan) -> bool:
        """Whether the client has stopped sending its request, or reading what it is answered."""
        return loan.unfinished or self._paused is not None or self.transport.is_closing()

    def ping(self) -> None:
        """Send a sign of life, if this is a stream."""
        if self._state == _VISITED and self._visit is not None:
            self._visit.ping()

    def stop(self, code: str, reason: str) -> None:
        """End what is under way here, but for what aiohttp does."""
        if self._seat is not None:
            self._seat.rise()
        if self._state == _VISITED and self._visit is not None:
            self._visit.stop(code, reason)

    @property
    def lent(self) -> bool:
        """Whether aiohttp has a request of this connection under way."""
        return self._state == _LENT

    def close_idle(self) -> None:
        """Close the connection, if no request is under way on it."""
        if self._seat is not None:
            self._seat.rise()
        if self._state == _IDLE and not self._buffer:
            self.close()
