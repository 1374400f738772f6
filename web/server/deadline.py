"""A deadline: something that happens to a connection at a time, unless it is moved before."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from math import inf


class Deadline(ABC):
    """Something with a deadline. Moving it rarely needs a new timer.

    Inherited rather than owned: an object of its own would take 144 bytes for each stream.
    """

    __slots__ = ("_deadline", "_loop", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    @abstractmethod
    def on_deadline(self) -> None:
        """The deadline has passed."""

    def set_deadline(self, seconds: float) -> None:
        """Move the deadline to so many seconds from now."""
        self.set_deadline_at(self._loop.time() + seconds)

    def set_deadline_at(self, moment: float) -> None:
        """Move the deadline to this time of the loop's clock."""
        self._deadline = moment
        if moment < self._timer_at:
            self._wake_at(moment)

    def clear_deadline(self) -> None:
        """Let no deadline pass any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake_at(self, moment: float) -> None:
        self.clear_deadline()
        self._timer_at = moment
        self._timer = self._loop.call_at(moment, self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, inf
        if self._loop.time() < self._deadline:
            # The timer was set for an earlier deadline.
            self._wake_at(self._deadline)
        else:
            self.on_deadline()
