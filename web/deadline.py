"""When something is to happen to a connection, if nothing else does before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class Deadline:
    """Calls `on_due()` when it has passed. Setting it anew mostly costs no new timer."""

    __slots__ = ("_loop", "_moment", "_on_due", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_due: Callable[[], None]) -> None:
        self._loop = loop
        self._on_due = on_due
        self._moment = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    def until(self, seconds: float) -> None:
        """Have it pass in so many seconds."""
        self.at(self._loop.time() + seconds)

    def at(self, moment: float) -> None:
        """Have it pass at that time of the loop's clock."""
        self._moment = moment
        if moment < self._timer_at:
            self._wake_at(moment)

    def end(self) -> None:
        """Let nothing happen any more, and hold on to nobody."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_due = _nothing

    def _wake_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = moment
        self._timer = self._loop.call_at(moment, self._on_time)

    def _on_time(self) -> None:
        self._timer, self._timer_at = None, inf
        if self._loop.time() < self._moment:
            # It was set for something that has long happened.
            self._wake_at(self._moment)
        else:
            self._on_due()


def _nothing() -> None:
    return None
