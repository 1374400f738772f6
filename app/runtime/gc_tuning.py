"""Garbage collection that nobody notices.

What a connection or a message leaves behind is freed by reference counts. The collector is for the
cycles that exceptions and libraries make, which are young. A full collection looks at every object
of every stream, or at every value that a table keeps decoded: 35 ms at 10,000 streams, 100 ms in a
worker, every 1.7 s at 1,800 messages a second. So what has grown old is looked at once an hour.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any, Final

#: New objects until they are looked at, which takes 1 to 3 ms. What is left over is not looked at
#: again before everything is: a second look soon after costs as much as the first and finds little.
_YOUNG: Final = 12_000
_NEVER: Final = 1_000_000

#: Seconds between two looks at everything, for cycles that have grown old.
_EVERYTHING: Final = 3600.0


class GcPauses:
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


async def collect_rarely(pauses: GcPauses) -> None:
    """Leave out of sight what there is and what grows old, but for once an hour."""
    gc.collect()
    gc.freeze()
    pauses.watch()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)
    while True:
        await asyncio.sleep(_EVERYTHING)
        gc.collect()
