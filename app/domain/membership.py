"""The outcomes of commands about rooms and memberships."""

from __future__ import annotations

from app.domain.access import room_unknown
from app.domain.outcome import Outcome, stamp
from app.domain.records import Member, Repeat, Room, State
from app.domain.roles import may, may_act_on, may_give
from app.domain.sanctions import describe, holds
from app.domain.shown_text import composed
from app.events import (
    AddMember,
    ChangeRole,
    ChangeRoom,
    CreateRoom,
    MemberAdded,
    MemberRemoved,
    MemberRole,
    Moderated,
    Refusal,
    RemoveMember,
    RoomChanged,
    RoomCreated,
)


def create(state: State, command: CreateRoom, moderated: Moderated) -> Outcome:
    """Create a room, unless there is one with this id."""
    if state.room is not None:
        return Refusal("room_exists", f"There is a room {command.room!r} already.")
    return RoomCreated(
        **stamp(None, moderated),
        type=command.type,
        name=composed(command.name),
        topic=composed(command.topic),
        user=command.user,
    )


def change(room: Room, actor: Member, command: ChangeRoom, moderated: Moderated) -> Outcome:
    """Change the name, topic or settings of a room, or archive it."""
    if room.type == "direct":
        return Refusal("not_allowed", "A direct room has no name and no settings.")
    if command.archived is not None and not may(actor.role, "room.archive"):
        return Refusal("not_allowed", "Only the owner archives a room, or opens it again.")
    if not may(actor.role, "room.change"):
        return Refusal("not_allowed", "Only admins and the owner change a room.")
    return RoomChanged(
        **stamp(room, moderated),
        name=None if command.name is None else composed(command.name),
        topic=None if command.topic is None else composed(command.topic),
        settings=command.settings,
        archived=command.archived,
    )


def add(room: Room, state: State, command: AddMember, moderated: Moderated) -> Outcome:
    """Add a member; in a public room, also oneself."""
    if state.subject is not None:
        return Repeat(state.subject.n)
    if room.type == "direct":
        return Refusal("not_allowed", "A direct room is for two.")
    joins = state.actor is None
    if joins and (room.type != "public" or command.user != command.by):
        return room_unknown(command.room)
    role = state.actor.role if state.actor is not None else "member"
    if not joins and not may(role, "member.add"):
        return Refusal("not_allowed", "Moderators, admins and the owner add members.")
    if command.role != "member" and not (may(role, "member.role") and may_give(role, command.role)):
        return Refusal("not_allowed", f"You can't add somebody as {command.role}.")
    if refusal := _kept_out(state, command, moderated.at_ms):
        return refusal
    return MemberAdded(
        **stamp(room, moderated), user=command.user, role=command.role, looks_like=state.alike
    )


def _kept_out(state: State, command: AddMember, at_ms: int) -> Refusal | None:
    ban = state.subject_sanction
    if ban is None or ban.kind != "ban" or not holds(ban, at_ms):
        return None
    who = "You are" if command.user == command.by else f"{command.user!r} is"
    return Refusal("banned", describe(f"{who} banned from {command.room!r}", ban))


def remove(
    room: Room, actor: Member, state: State, command: RemoveMember, moderated: Moderated
) -> Outcome:
    """Leave, or remove a member."""
    if room.type == "direct":
        return Refusal("not_allowed", "Nobody leaves a direct room.")
    if command.user == command.by:
        if actor.role == "owner":
            return Refusal("owner_stays", "The owner hands the room over before leaving it.")
    elif not may(actor.role, "member.remove"):
        return Refusal("not_allowed", "Members are removed by moderators, admins and the owner.")
    elif state.subject is None:
        return Refusal("member_unknown", f"{command.user!r} is not a member.")
    elif not may_act_on(actor.role, state.subject.role):
        return Refusal("not_allowed", "Members are removed by those of a higher role.")
    return MemberRemoved(**stamp(room, moderated), user=command.user)


def change_role(
    room: Room, actor: Member, state: State, command: ChangeRole, moderated: Moderated
) -> Outcome:
    """Give a member another role; the owner's role is handed over."""
    subject = state.subject
    if room.type == "direct":
        return Refusal("not_allowed", "A direct room has no roles.")
    hands_over = command.role == "owner"
    if not may(actor.role, "room.hand_over" if hands_over else "member.role"):
        who = "Only the owner hands the room over" if hands_over else "Admins and the owner do that"
        return Refusal("not_allowed", f"{who}.")
    if subject is None:
        return Refusal("member_unknown", f"{command.user!r} is not a member.")
    if subject.role == command.role:
        return Repeat(subject.n)
    if not hands_over and not (
        may_act_on(actor.role, subject.role) and may_give(actor.role, command.role)
    ):
        return Refusal("not_allowed", "Roles are given by those of a higher one.")
    return MemberRole(**stamp(room, moderated), user=command.user, role=command.role)
