"""Whether Kafka answers, shared by all who ask at about the same time."""

from __future__ import annotations

import asyncio
from typing import Final

from app.errors import Unreachable
from app.kafka.admin import connected
from app.settings import Settings

#: Seconds to wait for a broker, and seconds for which its answer is reused: each probe opens a
#: connection, and any client may request `/readyz`.
_PROBE_SECONDS: Final = 2.0
_FRESH_SECONDS: Final = 2.0


class BrokerProbe:
    """Probes the brokers of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._probed_at: float | None = None
        self._alive = False

    async def answers(self) -> bool:
        """Whether a broker answers, or answered up to 2 s ago."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._probed_at is None or loop.time() - self._probed_at > _FRESH_SECONDS:
                self._alive = await self._probe()
                self._probed_at = loop.time()
            return self._alive

    async def _probe(self) -> bool:
        try:
            async with connected(self._settings, _PROBE_SECONDS):
                return True
        except Unreachable:
            return False
