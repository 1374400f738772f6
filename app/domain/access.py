"""Who may learn that a room exists: for all others it does not.

This is decided before anything else about a command, so that no other refusal tells a stranger of a
room: not that it is archived, nor its members, its sanctions or its rules.
"""

from __future__ import annotations

from app.domain.records import Room, State
from app.domain.sanctions import refusal_of
from app.events import (
    AddMember,
    AnyCommand,
    ApproveMessage,
    HideMessage,
    LiftSanction,
    Moderated,
    Refusal,
    SetSanction,
)

#: Commands that a platform admin may give in any room.
_OF_ADMINS = ApproveMessage | HideMessage | LiftSanction | SetSanction


def room_unknown(room: str) -> Refusal:
    """The refusal for a room that does not exist, and for one that the user may not know of."""
    return Refusal("room_unknown", f"There is no room {room!r}.")


def hidden(state: State, moderated: Moderated) -> Refusal | None:
    """The refusal for a command of a user for whom the room does not exist; `None` for others.

    A user who is banned from the room hears of the ban and its reason.
    """
    room, command = state.room, moderated.command
    if room is not None and (state.actor is not None or _may_enter(room, command)):
        return None
    if room is not None and (banned := refusal_of(state.sanction, moderated.at_ms, speaks=False)):
        return banned
    return room_unknown(command.room)


def _may_enter(room: Room, command: AnyCommand) -> bool:
    """Whether one who is no member may give the command: joining a public room, or as an admin."""
    if isinstance(command, AddMember):
        return room.type == "public" and command.user == command.by
    return isinstance(command, _OF_ADMINS) and command.admin
