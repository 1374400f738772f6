"""How often an agent has acted in each room, in the rooms' own time."""

from __future__ import annotations

from typing import Final

from app.domain import rate_limit
from app.domain.agents.rate import Rate

#: Rooms that are remembered: beyond that all are forgotten, which allows each another burst.
_MOST: Final = 10_000


class RoomRates:
    """Counts an agent's acts by room."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate_limit.rate(rate.count, rate.seconds)
        #: Of each room the last act, and by how many seconds the TAT was ahead of it. Ahead, since
        #: sums of fractions and of a time since 1970 are too coarse for a whole burst.
        self._acts: dict[str, tuple[int, float]] = {}

    def take(self, room: str, at_ms: int) -> bool:
        """Count an act; `False` where the rate forbids it."""
        before_ms, ahead = self._acts.get(room, (at_ms, 0.0))
        ahead = rate_limit.moved(ahead - (at_ms - before_ms) / 1000, 0.0, self._rate)
        if rate_limit.late(ahead, 0.0, self._rate):
            return False
        if len(self._acts) >= _MOST:
            self._acts.clear()
        self._acts[room] = at_ms, ahead
        return True
