"""Chat logs of the form `[HH:MM] <nick> text`: what was said, and when."""

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
    """A message of a log: its line in the file from 1 on, the minute of the day, who, what."""

    number: int
    minute: int
    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class Log:
    """A log's messages in order, and how many lines were none."""

    lines: tuple[Line, ...]
    skipped: int


def parse(content: bytes) -> Log:
    """A log's messages. Bytes that are no UTF-8 become U+FFFD; other lines are counted.

    Lines end at `\\n` alone: a form feed or U+2028 within a message is part of it. A nick that
    is no valid user id makes its line one of the others.
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
    """When each message is due, in seconds after the first.

    Messages of one minute are spread over it evenly; a time that goes back by more than half a
    day is the next day, by less a clock that was put right, which costs no time.
    """
    due: list[float] = []
    now = 0
    for _, same in groupby(_elapsed(lines)):
        group = list(same)
        now = group[0]
        due += [60.0 * (now + place / len(group)) for place in range(len(group))]
    return due


def _elapsed(lines: Sequence[Line]) -> list[int]:
    """Minutes since the first message, never falling."""
    minutes: list[int] = []
    days = 0
    for earlier, line in zip((None, *lines), lines, strict=False):
        if earlier is not None and earlier.minute - line.minute > _DAY // 2:
            days += 1
        since = days * _DAY + line.minute - lines[0].minute
        minutes.append(max(since, minutes[-1] if minutes else 0))
    return minutes


def client_id(name: str, number: int) -> str:
    """The client id of a file's line: the same in every replay, whatever the folder."""
    return hashlib.sha256(f"{name}:{number}".encode()).hexdigest()[:32]


def room_id(stem: str) -> str:
    """A room id made of a file's name without its ending."""
    cleaned = re.sub(r"[^A-Za-z0-9._~-]+", "-", stem)[:64]
    return cleaned if names.room(cleaned) is None else "replay"
