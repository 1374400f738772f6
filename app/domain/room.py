"""The outcome of a command in its room: the next event, a refusal, or a repetition.

`decide` uses no clock and no random number, so two workers that both believe to have the room
decide on the same event. app/domain/evolve.py has the state after an event.
"""

from __future__ import annotations

from uuid import UUID

from app.domain import access, membership, messages, moderators
from app.domain.outcome import Outcome
from app.domain.records import Member, Repeat, Room, State
from app.domain.sanctions import refusal_of, speaks
from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    ApproveMessage,
    ChangeRole,
    ChangeRoom,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    HideMessage,
    LiftSanction,
    Moderated,
    Refusal,
    RemoveMember,
    RemoveReaction,
    SendMessage,
    SetSanction,
)


def decide(state: State, moderated: Moderated) -> Outcome | None:
    """The outcome of a command; `None` if it was decided before."""
    room, command = state.room, moderated.command
    if room is not None and moderated.source <= room.source:
        return None
    if (sent := state.sent) is not None:
        return Repeat(sent.n, sent.seq, str(UUID(bytes=sent.event_id)))
    if isinstance(command, CreateRoom):
        return moderated.refusal or membership.create(state, command, moderated)
    if (refusal := access.hidden(state, moderated)) is not None:
        return refusal
    if moderated.refusal is not None:
        return moderated.refusal
    if room is None:
        return access.room_unknown(command.room)
    if room.archived and not _of_archived(command):
        return Refusal("room_archived", f"{command.room!r} is archived.")
    speaking = speaks(command)
    if isinstance(command, AddMember):
        if speaking and (refusal := refusal_of(state.sanction, moderated.at_ms, speaks=True)):
            return refusal
        return membership.add(room, state, command, moderated)
    if isinstance(command, ApproveMessage | HideMessage | LiftSanction | SetSanction):
        return moderators.moderate(room, state, command, moderated)
    if refusal := refusal_of(state.sanction, moderated.at_ms, speaks=speaking):
        return refusal
    if state.actor is None:
        return access.room_unknown(command.room)
    return _by_member(room, state.actor, state, moderated)


def _of_archived(command: AnyCommand) -> bool:
    """Whether a command may be about an archived room: to open it again, or to leave it."""
    if isinstance(command, RemoveMember):
        return command.user == command.by
    return isinstance(command, ChangeRoom) and command.archived is False


def _by_member(room: Room, actor: Member, state: State, moderated: Moderated) -> Outcome:
    match moderated.command:
        case SendMessage() as command:
            return messages.send(room, actor, state, command, moderated)
        case EditMessage() as command:
            return messages.edit(room, actor, state, command, moderated)
        case DeleteMessage() as command:
            return messages.delete(room, actor, state, command, moderated)
        case AddReaction() as command:
            return messages.react(room, state, command, moderated)
        case RemoveReaction() as command:
            return messages.unreact(room, state, command, moderated)
        case RemoveMember() as command:
            return membership.remove(room, actor, state, command, moderated)
        case ChangeRole() as command:
            return membership.change_role(room, actor, state, command, moderated)
        case ChangeRoom() as command:
            return membership.change(room, actor, command, moderated)
    raise TypeError(f"no rule for {type(moderated.command).__name__}")
