"""The settings of a room, in commands and log events."""

from __future__ import annotations

from msgspec import Struct


class RoomSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The settings of a room.

    `slow_mode`: seconds between two messages of a member, 0 for none. `post`: the least role that
    may write. `receipts`: whether members see each other's read receipts. `retention_days`: days
    for which messages are kept, 0 for ever.
    """

    slow_mode: int = 0
    post: str = "member"
    receipts: bool = True
    retention_days: int = 0
