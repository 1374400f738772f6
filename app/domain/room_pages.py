"""Pages of a user's rooms, those with the newest messages first.

The pages of a reading show the rooms in their order of its beginning. A room that gets a message
meanwhile keeps the place that it had, so it is on one page, and on one alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """The end of a page: its last room, that room's time, and the newest time at the beginning."""

    begun: int
    at_ms: int
    room: str


def begun_at(times: Iterable[int]) -> int:
    """The `begun` of a reading that begins with rooms of these times."""
    return max(times, default=0)


def page(
    times: Mapping[str, int], begun: int, after: Place | None, limit: int
) -> tuple[list[str], Place | None]:
    """The rooms behind a place, and the place of the next page, if there is one.

    `times` are the times that the rooms had when the reading began.
    """
    order = sorted((-at_ms, room) for room, at_ms in times.items())
    if after is not None:
        order = [entry for entry in order if entry > (-after.at_ms, after.room)]
    rooms = [room for _, room in order[:limit]]
    if len(order) <= limit:
        return rooms, None
    return rooms, Place(begun, times[rooms[-1]], rooms[-1])
