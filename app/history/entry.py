"""A log event for the history store."""

from __future__ import annotations

from typing import NamedTuple, Self

from app.errors import Malformed
from app.events import AnyLogEvent, Position, ReactionAdded, ReactionRemoved


class Entry(NamedTuple):
    """A log event and `raw`, its JSON bytes from `chat.log`.

    `seq` is the number of the message that the event creates or is about; `None` for other events.
    `partition`, `pos` and `epoch` are its place in `chat.log`; `pos` is -1 where that is not known.
    """

    room: str
    n: int
    seq: int | None
    kind: str
    event: AnyLogEvent
    raw: bytes
    partition: int = 0
    pos: int = -1
    epoch: int = 0

    @classmethod
    def of(cls, event: AnyLogEvent, raw: bytes) -> Self:
        """The entry for a log event and the bytes that it was decoded from, without its place.

        Raises `Malformed` if one of its names (not its text) can't be stored in a database.
        """
        emoji = event.emoji if isinstance(event, ReactionAdded | ReactionRemoved) else ""
        for name in (event.room, event.by, event.id, emoji):
            if not storable(name):
                raise Malformed(f"{name!r} has characters that no name may have")
        kind = str(type(event).__struct_config__.tag)
        seq = getattr(event, "seq", None)
        return cls(event.room, event.n, seq, kind, event, raw)

    def at(self, partition: int, position: Position) -> Self:
        """The entry with its place."""
        return self._replace(partition=partition, pos=position.pos, epoch=position.epoch)


def storable(name: str) -> bool:
    """Whether both databases can store `name`: no U+0000, no lone surrogate."""
    if "\0" in name:
        return False
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
