"""The fields of every event of `chat.log`."""

from __future__ import annotations

from msgspec import Struct


class LogEvent(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """An event of a room; `n` is its number in the room's log: 1, 2, 3, without a gap.

    `trace` is the `traceparent` of an event that is delivered while its message is traced. It is
    never in `chat.log`, where a header of the record has it.
    """

    room: str
    n: int
    by: str
    at_ms: int
    id: str
    client_id: str
    trace: str = ""
