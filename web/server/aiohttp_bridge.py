"""The bridge to aiohttp: its protocol serves one request after the other on a borrowed transport.

aiohttp serves every request that is neither for a stream nor for a poll. The connection keeps the
real transport, gives the bridge the bytes of one request, and has the transport back when that
request has been answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web


class BorrowedTransport:
    """A transport that can be taken back; afterwards the borrower finds it closed."""

    __slots__ = ("_transport", "on_answered")

    def __init__(self, transport: Any, on_answered: Callable[[], None]) -> None:
        self._transport = transport
        self.on_answered = on_answered

    def take_back(self) -> None:
        """Let the borrower write to the connection no longer."""
        self._transport = _CLOSED
        self.forget()

    def forget(self) -> None:
        """Report nothing any more; without the reference, no cycle outlives the connection."""
        self.on_answered = _nothing

    def write(self, data: bytes) -> None:
        """Send."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return bool(self._transport.is_closing())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class AiohttpBridge:
    """aiohttp's protocol on a borrowed transport, a request at a time.

    `on_served()` is called when a request that has come whole has been answered.
    """

    __slots__ = ("_answered", "_left", "_on_served", "_transport", "handler")

    def __init__(self, transport: Any, handler: Any, on_served: Callable[[], None]) -> None:
        self._on_served = on_served
        #: Bytes of the request that are still to come, and whether it has been answered.
        self._left = 0
        self._answered = False
        self._transport = BorrowedTransport(transport, self._on_answered)
        self.handler = handler
        handler.connection_made(self._transport)

    @property
    def served(self) -> bool:
        """Whether the request has come whole and has been answered."""
        return self._answered and self._left == 0

    @property
    def unfinished(self) -> bool:
        """Whether more of the request may have to come."""
        return self._left > 0

    def begin(self, size: int) -> None:
        """A request of so many bytes begins."""
        self._answered, self._left = False, size

    def cut(self, data: bytes) -> tuple[bytes, bytes]:
        """The bytes that are the request's, and those after it."""
        left = self._left
        self._left = max(0, left - len(data))
        return data[:left], data[left:]

    def take_back(self) -> None:
        """Have the transport back for good."""
        self._transport.take_back()
        self.handler.connection_lost(None)

    def lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.handler.connection_lost(exc)
        self._transport.forget()

    def _on_answered(self) -> None:
        self._answered = True
        if self._left == 0:
            self._on_served()


class _Closed:
    """A transport after its end: every method may be called, and does nothing."""

    def is_closing(self) -> bool:
        return True

    def get_extra_info(self, _: str, default: Any = None) -> Any:
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def __getattr__(self, _: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_: object) -> None:
    return None


_CLOSED = _Closed()


def report_answered(transport: object) -> None:
    """Tell the owner of a borrowed transport that an answer has been written to it."""
    if isinstance(transport, BorrowedTransport):
        transport.on_answered()


async def close_after_unknown_length(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: closes a connection where only aiohttp knows a request's end.

    The connection could not tell where the next request begins.
    """
    if "Transfer-Encoding" in request.headers or "Upgrade" in request.headers:
        response.force_close()
