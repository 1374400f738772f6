"""Chat logs of the form `[HH:MM] <nick> text`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from app.domain import names

_SAID: Final = re.compile(r"\[(\d\d):(\d\d)\] <([^>]*)> ?(.*)", re.DOTALL | re.ASCII)
_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Line:
    """A message of a log: its line number from 1, its minute of the day, its nick and text."""

    number: int
    minute: int
    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class Log:
    """The messages of a log in order, and the number of other lines."""

    lines: tuple[Line, ...]
    skipped: int


def parse(content: bytes) -> Log:
    """The messages of a log. Invalid UTF-8 becomes U+FFFD; other lines are counted.

    Lines end only at `\\n`: a form feed or U+2028 within a message is part of it. A line whose nick
    is not a valid user id is one of the others.
    """
    rows = content.decode("utf-8", "replace").split("\n")
    if rows[-1] == "":
        rows.pop()
    lines = tuple(line for number, row in enumerate(rows, 1) if (line := _line(number, row)))
    return Log(lines, len(rows) - len(lines))


def _line(number: int, row: str) -> Line | None:
    found = _SAID.fullmatch(row.removesuffix("\r"))
    if found is None:
        return None
    hour, minute, nick, text = found.groups()
    if names.user(nick.strip()) is not None:
        return None
    return Line(number, int(hour) * 60 + int(minute), nick.strip(), text)


def seconds(lines: Sequence[Line]) -> list[float]:
    """The time of each message, in seconds after the first.

    Messages of one minute are spread over it evenly. A time that goes back by more than half a day
    is on the next day; one that goes back by less is a corrected clock, and takes no time.
    """
    due: list[float] = []
    now = 0
    for _, same in groupby(_elapsed(lines)):
        group = list(same)
        now = group[0]
        due += [60.0 * (now + place / len(group)) for place in range(len(group))]
    return due


def _elapsed(lines: Sequence[Line]) -> list[int]:
    """Minutes since the first message, never decreasing."""
    minutes: list[int] = []
    days = 0
    for earlier, line in zip((None, *lines), lines, strict=False):
        if earlier is not None and earlier.minute - line.minute > _DAY // 2:
            days += 1
        since = days * _DAY + line.minute - lines[0].minute
        minutes.append(max(since, minutes[-1] if minutes else 0))
    return minutes


def client_id(name: str, number: int) -> str:
    """The client id of a line of a file: the same in every import, from any folder."""
    return hashlib.sha256(f"{name}:{number}".encode()).hexdigest()[:32]


def room_id(stem: str) -> str:
    """A room id derived from a file name without its suffix."""
    cleaned = re.sub(r"[^A-Za-z0-9._~-]+", "-", stem)[:64]
    return cleaned if names.room(cleaned) is None else "replay"
