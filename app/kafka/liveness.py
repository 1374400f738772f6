"""Whether Kafka is there, for the many who want to know."""

from __future__ import annotations

import asyncio
from typing import Final

from app.errors import Unreachable
from app.kafka.admin import connected
from app.settings import Settings

#: Seconds to wait for a broker, and seconds for which its answer is good enough for others: each
#: asking is a connection of its own, and anyone may ask for `/readyz`.
_WITHIN: Final = 2.0
_FRESH: Final = 2.0


class BrokerProbe:
    """The brokers of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._probed_at: float | None = None
        self._alive = False

    async def answer(self) -> bool:
        """Whether one of them answers, or did 2 s ago at most."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._probed_at is None or loop.time() - self._probed_at > _FRESH:
                self._alive = await self._ask()
                self._probed_at = loop.time()
            return self._alive

    async def _ask(self) -> bool:
        try:
            async with connected(self._settings, _WITHIN):
                return True
        except Unreachable:
            return False
