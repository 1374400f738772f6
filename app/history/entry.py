"""One log event as the history store keeps it."""

from __future__ import annotations

from typing import NamedTuple, Self

from app.errors import Malformed
from app.events import AnyLogEvent


class Entry(NamedTuple):
    """A row: what is searched for, and `event`, the JSON bytes as they were in `chat.log`."""

    room: str
    n: int
    seq: int | None
    kind: str
    by: str
    at_ms: int
    id: str
    event: bytes

    @classmethod
    def of(cls, event: AnyLogEvent, raw: bytes) -> Self:
        """The entry for a decoded log event and the bytes that it was decoded from.

        Raises `Malformed` where a name in it (not its text) is one that no database stores.
        """
        for name in (event.room, event.by, event.id):
            if not storable(name):
                raise Malformed(f"{name!r} has characters that no name may have")
        kind = str(type(event).__struct_config__.tag)
        seq = getattr(event, "seq", None)
        return cls(event.room, event.n, seq, kind, event.by, event.at_ms, event.id, raw)


def storable(name: str) -> bool:
    """Whether both databases take `name`: no U+0000, no half of a surrogate pair."""
    return "\0" not in name and not any("\ud800" <= character <= "\udfff" for character in name)
