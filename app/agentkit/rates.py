"""How often an agent has acted in each room, in the rooms' own time."""

from __future__ import annotations

from typing import Final

from app.domain.agents.rate import Rate, taken

#: Rooms that are remembered: beyond that all are forgotten, which allows each another burst.
_MOST: Final = 10_000


class RoomRates:
    """Counts an agent's acts by room."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._arrivals: dict[str, int] = {}

    def take(self, room: str, at_ms: int) -> bool:
        """Count an act; `False` where the rate forbids it."""
        arrival = taken(self._rate, self._arrivals.get(room, 0), at_ms)
        if arrival is None:
            return False
        if len(self._arrivals) >= _MOST:
            self._arrivals.clear()
        self._arrivals[room] = arrival
        return True
