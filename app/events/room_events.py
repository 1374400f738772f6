"""`chat.log`: what happens to rooms and their members."""

from __future__ import annotations

from app.events.log_event import LogEvent
from app.events.room_settings import RoomSettings


class RoomCreated(LogEvent, frozen=True, kw_only=True, tag="room.created", omit_defaults=True):
    """The room begins; `by` is its owner and first member, of a direct room `user` the other."""

    type: str
    name: str
    topic: str = ""
    user: str = ""


class RoomChanged(LogEvent, frozen=True, kw_only=True, tag="room.changed", omit_defaults=True):
    """What is given is so from here on."""

    name: str | None = None
    topic: str | None = None
    settings: RoomSettings | None = None
    archived: bool | None = None


class MemberAdded(LogEvent, frozen=True, kw_only=True, tag="member.added"):
    """`user` is a member from here on."""

    user: str
    role: str


class MemberRemoved(LogEvent, frozen=True, kw_only=True, tag="member.removed"):
    """`user` is a member no longer; where `by` is the same, they left."""

    user: str


class MemberRole(LogEvent, frozen=True, kw_only=True, tag="member.role"):
    """`user` has another role; a new `owner` makes `by`, who was it, an admin."""

    user: str
    role: str


class SanctionSet(LogEvent, frozen=True, kw_only=True, tag="sanction.set", omit_defaults=True):
    """`user` may not write (`mute`), or is out and stays out (`ban`), until then; 0: for good."""

    user: str
    sanction: str
    until_ms: int = 0
    reason: str = ""


class SanctionLifted(
    LogEvent, frozen=True, kw_only=True, tag="sanction.lifted", omit_defaults=True
):
    """The sanction of `user` is over, before its time."""

    user: str
    reason: str = ""
