"""Comparing one room after the other with its recount, at a cost that has a limit."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final, NamedTuple

from app.delivery.read_marks import ReadMarks
from app.delivery.view import View
from app.domain.recount import RoomRecount
from app.history.store import History
from app.operations.store_diff import history_window_differences, view_differences

#: Events, and messages, of a room that are compared in one visit: the newest, and as many others.
WINDOW: Final = 200
#: Members for whom unread messages are counted in one visit.
_MEMBERS: Final = 20

_DIGITS: Final = re.compile(r"\d+")


class Difference(NamedTuple):
    """A difference of a room; `kind` is where it is: in the log, the view or the history."""

    kind: str
    room: str
    text: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """The same for the same difference after the room has gone on: numbers don't count."""
        return self.kind, self.room, _DIGITS.sub("#", self.text)


class RoomVisits:
    """Visits of rooms: each compares a part, and after a clean one the next visit goes on."""

    def __init__(self, view: View, reads: ReadMarks, history: History) -> None:
        self._view = view
        self._reads = reads
        self._history = history
        #: By room: how many visits were clean.
        self._turns: dict[str, int] = {}

    async def visit(self, room: RoomRecount) -> list[Difference]:
        """The differences of this turn's part of a room."""
        turn = self._turns.get(room.room, 0)
        found = [Difference("log", room.room, wrong) for wrong in room.wrong]
        users = _rotated(list(room.roles), turn)
        lines = view_differences(room, self._view, self._reads, users)
        found += [_difference("view", room, line) async for line in lines]
        windows = {(max(room.n - WINDOW, 0), max(room.seq - WINDOW, 0))}
        parts = max(-(-room.n // WINDOW), 1)
        at = turn % parts * WINDOW
        windows.add((at, min(at, room.seq)))
        for after_n, after_seq in sorted(windows):
            part = history_window_differences(room, self._history, after_n, after_seq, WINDOW)
            found += [_difference("history", room, line) async for line in part]
        return list({one.identity: one for one in found}.values())

    def go_on(self, room: str) -> None:
        """Compare the next part at the next visit: this one was clean."""
        self._turns[room] = self._turns.get(room, 0) + 1


def _rotated(users: list[str], turn: int) -> set[str]:
    start = turn * _MEMBERS % len(users) if users else 0
    return set(islice([*users[start:], *users[:start]], _MEMBERS))


def _difference(kind: str, room: RoomRecount, line: str) -> Difference:
    return Difference(kind, room.room, line.removeprefix(f"{room.room}: "))
