"""The text that Prometheus reads, made at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.registry import Collector

from app.metrics.child_processes import ChildProcesses, merged
from app.metrics.text_format import text_of

#: Seconds for which a text serves further scrapes.
FRESH_SECONDS: Final = 1.0

#: Brings up to date what collectors can't ask for themselves, which are not asynchronous.
Refresh = Callable[[], Awaitable[None]]


class Exposition:
    """The metrics of this process and its children; scrapes within a second get the same text."""

    def __init__(
        self,
        collectors: Iterable[Collector],
        refresh: Sequence[Refresh] = (),
        children: ChildProcesses | None = None,
    ) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        for collector in collectors:
            self._registry.register(collector)
        self._refresh = refresh
        self._children = children
        self._lock = asyncio.Lock()
        self._text = b""
        self._made: float | None = None

    async def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._made is None or now - self._made >= FRESH_SECONDS:
                await asyncio.gather(*(one() for one in self._refresh))
                self._text = (await self._make()).encode()
                self._made = now
        return self._text

    async def _make(self) -> str:
        others = {} if self._children is None else await self._children.scrape()
        return merged(text_of(self._registry.collect()), others)
