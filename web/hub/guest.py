"""A reader on its way in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from app.errors import Unreachable
from app.runtime.retry import AWAY
from web.hub.user import Person


class BeyondLog(Exception):
    """A reader has seen more than there is in the log: it is another one by now."""


class Guest:
    """A reader that is on its way in: whose, and from where on it reads."""

    __slots__ = ("came", "nexts", "person", "until")

    def __init__(self, person: Person, nexts: tuple[int, ...]) -> None:
        self.person = person
        self.nexts = nexts
        #: Until when it waits for the view; from its first turn on.
        self.until = 0.0
        self.came: asyncio.Future[None] = asyncio.get_running_loop().create_future()


def refuse(guests: Iterable[Guest], error: Exception) -> None:
    """Tell those who still wait why they can't come in."""
    if isinstance(error, AWAY) and not isinstance(error, Unreachable):
        error = Unreachable("Valkey does not answer")
    for guest in guests:
        if not guest.came.done():
            guest.came.set_exception(error)
