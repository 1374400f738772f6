"""The memory of Valkey as metrics, told by the workers that publish there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from redis import asyncio as aioredis

from app.delivery.memory import Memory, memory
from app.metrics import catalogue
from app.runtime.retry import AWAY

#: Seconds that a scrape waits for Valkey: Prometheus does not wait long for it.
_SECONDS: Final = 1.0


class ValkeyMemory(Collector):
    """Used memory and its limit; nothing is told while Valkey does not answer."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis = redis
        self._memory: Memory | None = None

    async def refresh(self) -> None:
        """Ask Valkey."""
        self._memory = None
        with suppress(*AWAY):
            async with asyncio.timeout(_SECONDS):
                self._memory = await memory(self._redis)

    def collect(self) -> Iterator[Family]:
        """The samples of this moment."""
        if self._memory is not None:
            yield catalogue.VALKEY_MEMORY.family({(): self._memory.used})
            yield catalogue.VALKEY_MEMORY_LIMIT.family({(): self._memory.limit})
