"""A connection as aiohttp's server gets it: lent, for a request, by the one who owns it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web


class Lent:
    """A transport that can be taken back.

    After `take_back` the borrower finds it closed, and can do the real one no harm. `answered()`
    is called when the borrower has sent an answer; the access log says so
    (web/server/access_log.py), as that is the one public place where aiohttp tells.
    """

    __slots__ = ("_transport", "answered")

    def __init__(self, transport: Any, answered: Callable[[], None]) -> None:
        self._transport = transport
        self.answered = answered

    def take_back(self) -> None:
        """Have no more to do with the connection."""
        self._transport = _CLOSED
        self.forget()

    def forget(self) -> None:
        """Tell nobody any more: so that a connection that is gone goes without a collection."""
        self.answered = _nothing

    def write(self, data: bytes) -> None:
        """Send."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return bool(self._transport.is_closing())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Closed:
    """What a transport is after its end: everything may be called, and nothing happens."""

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
    if isinstance(transport, Lent):
        transport.answered()


async def end_with_chunks(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: the connection ends where aiohttp alone knows a request's end.

    Nobody else could say where the next one begins.
    """
    if "Transfer-Encoding" in request.headers or "Upgrade" in request.headers:
        response.force_close()
