"""The progress of a refill in the log, so that an operator sees how long it may take."""

from __future__ import annotations

import time
from typing import Final

import structlog

log = structlog.get_logger()

#: Entries that are restored in one round trip: more would block the event loop, and Valkey, for
#: tens of milliseconds.
CHUNK: Final = 200

#: Seconds between two lines of the log.
_SAY_EVERY: Final = 5.0


class Progress:
    """Counts what is restored of a partition. Nothing is logged of a refill that takes a moment."""

    def __init__(self, what: str, partition: int, total: int | None = None) -> None:
        self._bound = log.bind(what=what, partition=partition)
        self._total = total
        self._done = 0
        self._began = self._said = time.monotonic()

    def __call__(self, more: int) -> None:
        """Count `more` entries."""
        self._done += more
        now = time.monotonic()
        if now - self._said >= _SAY_EVERY:
            self._said = now
            self._bound.info("restoring in Valkey", done=self._done, of=self._total)

    def end(self) -> None:
        """Everything is restored."""
        seconds = time.monotonic() - self._began
        if seconds >= _SAY_EVERY:
            self._bound.info("restored in Valkey", done=self._done, seconds=round(seconds, 1))
