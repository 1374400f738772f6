"""Messages take turns: while what one of them began is awaited, those after it wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from app.delivery.connection import ValkeyConnection
from app.runtime.retry import AWAY

log = structlog.get_logger()

#: What is called for a message; where it has to wait for something, it returns what to await.
OnMessage = Callable[[bytes, bytes], Awaitable[None] | None]

#: Messages that wait while one is being awaited; beyond, they wait in Valkey.
_MOST_WAITING: Final = 10_000


class OrderedDispatch:
    """Gives each message to `on_message(channel, data)`, in the order in which they came.

    Where that fails, `on_failed()` is called, and nothing is given out before the next `open`.
    """

    def __init__(self, on_message: OnMessage, on_failed: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_failed = on_failed
        self._wire: ValkeyConnection | None = None
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._busy = True
        #: Whether the connection is read no more for the time being.
        self._full = False
        #: What a message has begun that those after it wait for.
        self._doing: asyncio.Future[None] | None = None

    def close(self) -> None:
        """Forget what waits, and have what comes from now on wait."""
        if self._doing is not None:
            self._doing.cancel()
        self._waiting.clear()
        self._busy = True

    def come_over(self, wire: ValkeyConnection | None) -> None:
        """Messages come over this connection from now on; `None`: over none."""
        self._wire, self._full = wire, False

    async def open(self) -> None:
        """Give out what has waited, then let messages through as they come."""
        while self._waiting:
            doing = self._on_message(*self._waiting.popleft())
            if doing is not None:
                await doing
        self._busy = False
        if self._full and self._wire is not None:
            self._full = False
            self._wire.resume()

    def give(self, channel: bytes, data: bytes) -> None:
        """Give a message its turn."""
        if self._busy:
            self._waiting.append((channel, data))
            # It may be so again and again while those that waited are given out.
            if len(self._waiting) >= _MOST_WAITING and not self._full and self._wire is not None:
                self._full = True
                self._wire.pause()
            return
        try:
            doing = self._on_message(channel, data)
        except Exception:
            log.exception("a message could not be used", channel=channel)
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
