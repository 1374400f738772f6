"""Schedules of agents: `15 minutes`, `hour`, `day at 09:00`, `monday at 17:30`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.errors import Malformed

_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600}
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INTERVAL: Final = re.compile(r"(?:([1-9][0-9]{0,5}) )?(second|minute|hour)s?")
_DAILY: Final = re.compile(rf"(day|{'|'.join(_DAYS)}) at ([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY_MS: Final = 24 * 60 * 60 * 1000


def zone_named(name: str) -> tzinfo:
    """A time zone by its IANA name; raises `Malformed`."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Malformed(f"there is no time zone {name!r}") from error


@dataclass(frozen=True)
class Schedule:
    """Times that come again: every `interval_ms`, or at a time of each day or of one weekday."""

    text: str
    zone: tzinfo = UTC
    interval_ms: int = 0
    weekday: int | None = None
    hour: int = 0
    minute: int = 0

    def after(self, at_ms: int) -> int:
        """The first time after `at_ms`, in milliseconds since 1970.

        Intervals count from 1970, so a schedule has the same times in every room and worker. A time
        of day that a change of the clocks skips comes an hour later on that day.
        """
        if self.interval_ms:
            return (at_ms // self.interval_ms + 1) * self.interval_ms
        day = datetime.fromtimestamp(at_ms / 1000, self.zone)
        while True:
            due = day.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
            due_ms = round(due.timestamp() * 1000)
            if due_ms > at_ms and self.weekday in (None, due.weekday()):
                return due_ms
            day += timedelta(days=1)

    def missed(self, due_ms: int, at_ms: int) -> int:
        """How many times after `due_ms` have passed by `at_ms`; counted up to 1,000."""
        if self.interval_ms:
            return max(0, (at_ms - due_ms) // self.interval_ms)
        count, due = 0, self.after(due_ms)
        while due <= at_ms and count < 1000:
            count, due = count + 1, self.after(due)
        return count


def parse(text: str, zone: tzinfo = UTC) -> Schedule:
    """The schedule of a text; raises `Malformed`."""
    if found := _INTERVAL.fullmatch(text):
        seconds = int(found[1] or 1) * _UNITS[found[2]]
        return Schedule(text, zone, interval_ms=seconds * 1000)
    if found := _DAILY.fullmatch(text):
        weekday = None if found[1] == "day" else _DAYS.index(found[1])
        return Schedule(text, zone, weekday=weekday, hour=int(found[2]), minute=int(found[3]))
    raise Malformed(
        f"{text!r} is no schedule: write '15 minutes', 'hour', 'day at 09:00' or 'monday at 09:00'"
    )
