"""What all events of `chat.log` have."""

from __future__ import annotations

from msgspec import Struct


class LogEvent(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Something that happened in a room; `n` is its place in the room's log: 1, 2, 3, no gap."""

    room: str
    n: int
    by: str
    at_ms: int
    id: str
    client_id: str
