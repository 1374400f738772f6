"""`chat.log`: what happened."""

from __future__ import annotations

from typing import Final

from msgspec.json import Decoder

from app.errors import Malformed
from app.events.codec import decoded
from app.events.message_events import (
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    MessageHidden,
    ReactionAdded,
    ReactionRemoved,
)
from app.events.room_events import (
    MemberAdded,
    MemberRemoved,
    MemberRole,
    RoomChanged,
    RoomCreated,
    SanctionLifted,
    SanctionSet,
)

AnyLogEvent = (
    RoomCreated
    | RoomChanged
    | MemberAdded
    | MemberRemoved
    | MemberRole
    | MessageCreated
    | MessageEdited
    | MessageDeleted
    | MessageHidden
    | ReactionAdded
    | ReactionRemoved
    | SanctionSet
    | SanctionLifted
)

#: Headers of a `chat.log` record: the offset of its command in `chat.raw`, the edge that waits for
#: the answer, and the ruling if the answer mentions one.
SRC: Final = "src"
EDGE: Final = "edge"
RULING: Final = "ruling"

_events: Final[Decoder[AnyLogEvent]] = Decoder(AnyLogEvent)


#: The most digits of an offset, which then fits into 64 bits.
_OFFSET_DIGITS: Final = 18


def decode_src(raw: bytes | None) -> int:
    """The header `src` of a `chat.log` record; raises `Malformed` if it is not an offset."""
    if raw is None or not raw.isdigit() or len(raw) > _OFFSET_DIGITS:
        raise Malformed(f"its header src is {raw!r}, which is not an offset")
    return int(raw)


def decode_log(value: bytes | None) -> AnyLogEvent:
    """A `chat.log` record; raises `Malformed` with the reason."""
    return decoded(_events, value)
