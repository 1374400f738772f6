"""Ordered dispatch: while the handling of a message is awaited, later messages wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from app.delivery.connection import ValkeyConnection
from app.runtime.retry import AWAY

log = structlog.get_logger()

#: Handles a message (channel, data); may return an awaitable, for which later messages wait.
OnMessage = Callable[[bytes, bytes], Awaitable[None] | None]

#: Messages that wait here; from this number on they wait in Valkey.
_MOST_WAITING: Final = 10_000


class OrderedDispatch:
    """Calls `on_message(channel, data)` with each message, in the order of their arrival.

    If that fails, `on_failed()` is called, and no message is dispatched before the next `open`.
    """

    def __init__(self, on_message: OnMessage, on_failed: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_failed = on_failed
        self._wire: ValkeyConnection | None = None
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._busy = True
        #: Whether reading from the connection is paused.
        self._full = False
        #: The handling of a message for which later ones wait.
        self._doing: asyncio.Future[None] | None = None

    def close(self) -> None:
        """Drop the waiting messages, and let later ones wait."""
        if self._doing is not None:
            self._doing.cancel()
        self._waiting.clear()
        self._busy = True

    def read_from(self, wire: ValkeyConnection | None) -> None:
        """Pause and resume this connection from now on; `None`: none."""
        self._wire, self._full = wire, False

    async def open(self) -> None:
        """Dispatch the waiting messages, then each message as it arrives."""
        while self._waiting:
            doing = self._on_message(*self._waiting.popleft())
            if doing is not None:
                await doing
        self._busy = False
        if self._full and self._wire is not None:
            self._full = False
            self._wire.resume()

    def dispatch(self, channel: bytes, data: bytes) -> None:
        """Dispatch a message, or let it wait."""
        if self._busy:
            self._waiting.append((channel, data))
            # This may happen repeatedly while waiting messages are dispatched.
            if len(self._waiting) >= _MOST_WAITING and not self._full and self._wire is not None:
                self._full = True
                self._wire.pause()
            return
        try:
            doing = self._on_message(channel, data)
        except Exception:
            log.exception("a message could not be handled", channel=channel)
            self._busy = True
            self._on_failed()
            return
        if doing is not None:
            self._busy = True
            self._doing = asyncio.ensure_future(self._finish(doing))

    async def _finish(self, doing: Awaitable[None]) -> None:
        try:
            await doing
            await self.open()
        except AWAY as error:
            log.warning("subscription lost, connecting again", error=str(error))
            self._on_failed()
        except Exception:
            log.exception("subscription failed, connecting again")
            self._on_failed()
