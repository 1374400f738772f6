"""Levels: of which messages a user wants to be notified, and when not.

The page decides by the same function which rooms have a badge (web/static/push/levels.js);
tests/domain/push/levels.json holds both to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.domain.names import DIRECT
from app.events import Level, NotifyRoom, NotifyUser, Quiet

#: What counts for a user who has said nothing.
DEFAULT: Final = NotifyUser(user="", at_ms=0)


class Levels:
    """What a user wants: of all rooms, and of some by themselves."""

    __slots__ = ("of_all", "rooms")

    def __init__(
        self, of_all: NotifyUser = DEFAULT, rooms: Mapping[str, NotifyRoom] | None = None
    ) -> None:
        self.of_all = of_all
        self.rooms: dict[str, NotifyRoom] = dict(rooms or {})

    def level(self, room: str) -> Level:
        """The level that counts in a room, where `mentions` are mentions alone."""
        own = self.rooms.get(room)
        if own is not None and own.level is not None:
            return own.level
        level = self.of_all.level
        return "all" if level == "mentions" and room.startswith(DIRECT) else level

    def wants(self, room: str, *, mentioned: bool) -> bool:
        """Whether the user wants to be notified of a message in the room."""
        level = self.level(room)
        return level == "all" or (mentioned and level == "mentions")

    def is_muted(self, room: str, now_ms: int, minute: int | None) -> bool:
        """Whether the user is not to be disturbed now, by this room.

        `minute` is the minute of the day in the user's time zone; `None` where there is none.
        """
        own = self.rooms.get(room)
        if now_ms < self.of_all.mute_until_ms or (own is not None and now_ms < own.mute_until_ms):
            return True
        quiet = self.of_all.quiet
        return quiet is not None and minute is not None and is_within(quiet, minute)


def is_within(quiet: Quiet, minute: int) -> bool:
    """Whether a minute of the day is among those of the quiet hours."""
    if quiet.begins <= quiet.ends:
        return quiet.begins <= minute < quiet.ends
    return minute >= quiet.begins or minute < quiet.ends
