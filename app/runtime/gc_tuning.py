"""Garbage collection tuned for short pauses.

Reference counts free what a connection or a message leaves behind. The collector is for the cycles
that exceptions and libraries make, which are young. A full collection visits every object of every
stream, and every value that a table has cached: 35 ms at 10,000 streams, and 100 ms in a worker,
every 1.7 s at 1,800 messages a second. So old objects are collected once an hour.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any, Final

#: New objects that start a young collection, which takes 1 to 3 ms. Survivors are not visited again
#: before a full collection: a second visit soon after costs as much as the first and frees little.
_YOUNG: Final = 12_000
_NEVER: Final = 1_000_000

#: Seconds between two full collections, for cycles among old objects.
_FULL_SECONDS: Final = 3600.0


class GcPauses:
    """The longest pause by the collector in milliseconds, once `watch` has been called."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self._began = 0.0

    def watch(self) -> None:
        """Measure every collection from now on."""
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _: dict[str, Any]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began = now
        else:
            self.longest_ms = max(self.longest_ms, (now - self._began) * 1000)


async def collect_rarely(pauses: GcPauses) -> None:
    """Collect old objects once an hour, and never those that exist now; runs until cancelled."""
    gc.collect()
    gc.freeze()
    pauses.watch()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)
    while True:
        await asyncio.sleep(_FULL_SECONDS)
        gc.collect()
