"""Garbage collection that no reader notices.

What a connection leaves behind is freed by reference counts. The collector is for the cycles that
exceptions and libraries make, which are young. A full collection would look at every object of
every stream each time: 35 ms at 10,000 streams, in which nothing is delivered. So what has grown
old is put out of its sight.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any, Final

#: New objects until the youngest are looked at, and how often that happens until those that were
#: left over are: 16,000 objects take 2 to 4 ms. The oldest are never looked at by themselves.
_YOUNG: Final = 4_000
_LEFT_OVER: Final = 4
_NEVER: Final = 1_000_000

_SECONDS: Final = 5.0


class Pauses:
    """How long the collector has stopped everything at most, once `watch` has been called."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self._began = 0.0

    def watch(self) -> None:
        """Look at every collection from here on."""
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _: dict[str, Any]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began = now
        else:
            self.longest_ms = max(self.longest_ms, (now - self._began) * 1000)


async def spare_the_old(pauses: Pauses) -> None:
    """Put what there is out of the collector's sight, now and again every few seconds."""
    gc.collect()
    pauses.watch()
    gc.set_threshold(_YOUNG, _LEFT_OVER, _NEVER)
    while True:
        gc.freeze()
        await asyncio.sleep(_SECONDS)
