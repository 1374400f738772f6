"""`chat.log`: what happened."""

from __future__ import annotations

from typing import Final

from msgspec.json import Decoder

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

#: Headers of a `chat.log` record, beside those of app/events/position.py: the edge that waits for
#: the answer, and the ruling if the answer mentions one.
EDGE: Final = "edge"
RULING: Final = "ruling"

#: The header of a record that was copied from another region: that region's name. Mirrors leave
#: such records out, so that none goes back.
HOME: Final = "home"

#: The header of a copy in whose place a newer record may come: when that region wrote it, in
#: milliseconds.
AT: Final = "at"

#: The header of a `chat.away` record: the region that is to decide on the command.
TO: Final = "to"

_events: Final[Decoder[AnyLogEvent]] = Decoder(AnyLogEvent)


def decode_log(value: bytes | None) -> AnyLogEvent:
    """A `chat.log` record; raises `Malformed` with the reason."""
    return decoded(_events, value)
