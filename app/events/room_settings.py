"""How a room is run, as commands and log events carry it."""

from __future__ import annotations

from msgspec import Struct


class RoomSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a room is run.

    `slow_mode`: seconds that a member waits between two messages, 0 for none. `post`: the least
    role that may write. `receipts`: whether people see who has read. `retention_days`: how long
    messages are kept, 0 for ever.
    """

    slow_mode: int = 0
    post: str = "member"
    receipts: bool = True
    retention_days: int = 0
