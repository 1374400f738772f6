"""`chat.log`: events about rooms and their members."""

from __future__ import annotations

from app.events.log_event import LogEvent
from app.events.room_settings import RoomSettings


class RoomCreated(LogEvent, frozen=True, kw_only=True, tag="room.created", omit_defaults=True):
    """The room begins; `by` is its owner and first member, `user` the other of a direct room."""

    type: str
    name: str
    topic: str = ""
    user: str = ""


class RoomChanged(LogEvent, frozen=True, kw_only=True, tag="room.changed", omit_defaults=True):
    """The given fields change."""

    name: str | None = None
    topic: str | None = None
    settings: RoomSettings | None = None
    archived: bool | None = None


class MemberAdded(LogEvent, frozen=True, kw_only=True, tag="member.added", omit_defaults=True):
    """`user` becomes a member; `looks_like` is a member whose name looks the same."""

    user: str
    role: str
    looks_like: str = ""


class MemberRemoved(LogEvent, frozen=True, kw_only=True, tag="member.removed", omit_defaults=True):
    """`user` is no longer a member; with the same user as `by`, the user left."""

    user: str


class MemberRole(LogEvent, frozen=True, kw_only=True, tag="member.role", omit_defaults=True):
    """`user` has another role; if it is `owner`, the former owner `by` becomes an admin."""

    user: str
    role: str


class SanctionSet(LogEvent, frozen=True, kw_only=True, tag="sanction.set", omit_defaults=True):
    """`user` may not write (`mute`), or is removed and banned (`ban`), until then; 0: for good."""

    user: str
    sanction: str
    until_ms: int = 0
    reason: str = ""


class SanctionLifted(
    LogEvent, frozen=True, kw_only=True, tag="sanction.lifted", omit_defaults=True
):
    """The sanction of `user` is lifted."""

    user: str
    reason: str = ""
