"""What is to happen to a connection at a time, if nothing else does before."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from math import inf


class Timed(ABC):
    """Something with a deadline. Setting it anew mostly costs no new timer.

    Inherited rather than owned: it would be 144 bytes more for each of ten thousand streams.
    """

    __slots__ = ("_deadline", "_loop", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    @abstractmethod
    def on_due(self) -> None:
        """The deadline has passed."""

    def until(self, seconds: float) -> None:
        """Have something happen, if nothing else does, in so many seconds."""
        self.until_then(self._loop.time() + seconds)

    def until_then(self, moment: float) -> None:
        """Have it happen at that time of the loop's clock."""
        self._deadline = moment
        if moment < self._timer_at:
            self._wake_at(moment)

    def never(self) -> None:
        """Let nothing happen any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake_at(self, moment: float) -> None:
        self.never()
        self._timer_at = moment
        self._timer = self._loop.call_at(moment, self._on_time)

    def _on_time(self) -> None:
        self._timer, self._timer_at = None, inf
        if self._loop.time() < self._deadline:
            # It was set for something that has long happened.
            self._wake_at(self._deadline)
        else:
            self.on_due()
