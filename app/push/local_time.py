"""The time of day where a user is."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def is_zone(name: str) -> bool:
    """Whether this is a time zone, such as `Europe/Vienna`."""
    return _zone(name) is not None


def minute_of_day(zone: str, at_ms: int) -> int | None:
    """The minute of the day at that time in the zone; `None` for a zone that is not known here."""
    found = _zone(zone)
    if found is None:
        return None
    there = datetime.fromtimestamp(at_ms / 1000, found)
    return there.hour * 60 + there.minute


@lru_cache(1000)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
