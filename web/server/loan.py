"""What aiohttp serves on a connection: the requests that are neither streams nor polls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from web.server.aiohttp_bridge import Lent


class Loan:
    """aiohttp's protocol with the connection lent to it, a request at a time.

    `on_served()` is called when a request that has come whole is answered.
    """

    __slots__ = ("_answered", "_left", "_lent", "_on_served", "handler")

    def __init__(self, transport: Any, handler: Any, on_served: Callable[[], None]) -> None:
        self._on_served = on_served
        #: Bytes of the request that are still to come, and whether it is answered already.
        self._left = 0
        self._answered = False
        self._lent = Lent(transport, self._on_answered)
        self.handler = handler
        handler.connection_made(self._lent)

    @property
    def served(self) -> bool:
        """Whether the request has come whole and is answered."""
        return self._answered and self._left == 0

    @property
    def unfinished(self) -> bool:
        """Whether more of the request may have to come."""
        return self._left > 0

    def begin(self, size: int) -> None:
        """A request of so many bytes begins."""
        self._answered, self._left = False, size

    def cut(self, data: bytes) -> tuple[bytes, bytes]:
        """What of these bytes is the request's, and what comes after it."""
        left = self._left
        self._left = max(0, left - len(data))
        return data[:left], data[left:]

    def take_back(self) -> None:
        """Have the connection back for good."""
        self._lent.take_back()
        self.handler.connection_lost(None)

    def lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.handler.connection_lost(exc)
        self._lent.forget()

    def _on_answered(self) -> None:
        self._answered = True
        if self._left == 0:
            self._on_served()
