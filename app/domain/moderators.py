"""The outcomes of moderators' commands in a room."""

from __future__ import annotations

from app.domain.access import room_unknown
from app.domain.messages import content_of
from app.domain.outcome import Outcome, deleted, stamp, unknown
from app.domain.records import Member, Repeat, Room, State
from app.domain.roles import may, may_act_on
from app.domain.sanctions import holds, until
from app.domain.shown_text import composed
from app.events import (
    ApproveMessage,
    HideMessage,
    LiftSanction,
    MessageCreated,
    MessageHidden,
    Moderated,
    Refusal,
    SanctionLifted,
    SanctionSet,
    SetSanction,
)

Command = ApproveMessage | HideMessage | LiftSanction | SetSanction


def moderate(room: Room, state: State, command: Command, moderated: Moderated) -> Outcome:
    """Carry out a command of a moderator of this room or, with `admin`, of every room."""
    action = _ACTIONS[type(command)]
    if not command.admin:
        if state.actor is None:
            return room_unknown(command.room)
        if not may(state.actor.role, action):
            return Refusal("not_allowed", "Moderators, admins and the owner do that.")
    if not isinstance(command, HideMessage) and command.user == command.by:
        return Refusal("not_allowed", "Nobody decides about themselves.")
    match command:
        case HideMessage():
            return _hide(room, state, command, moderated)
        case ApproveMessage():
            return _approve(room, state, command, moderated)
        case SetSanction():
            return _sanction(room, state, command, moderated)
        case LiftSanction():
            return _lift(room, state, command, moderated)


_ACTIONS = {
    HideMessage: "message.hide",
    ApproveMessage: "message.approve",
    SetSanction: "sanction",
    LiftSanction: "sanction",
}


def _hide(room: Room, state: State, command: HideMessage, moderated: Moderated) -> Outcome:
    message = state.message
    if message is None:
        return unknown(command.seq)
    if message.deleted:
        return deleted(command.seq)
    return MessageHidden(
        **stamp(room, moderated),
        seq=command.seq,
        of=message.at,
        prev=message.edit,
        reason=composed(command.reason),
    )


def _approve(room: Room, state: State, command: ApproveMessage, moderated: Moderated) -> Outcome:
    author = state.subject
    if author is None:
        return Refusal("member_unknown", f"{command.user!r} is no member any more.")
    answered = state.message is not None and not state.message.deleted
    threaded = state.root is not None and not state.root.thread
    return MessageCreated(
        **stamp(room, moderated) | {"by": command.user},
        seq=room.seq + 1,
        # The answered message may have been deleted while this one was held.
        reply_to=command.reply_to if answered else 0,
        thread=command.thread if threaded else 0,
        approved_by=command.by,
        **content_of(room, author, state, command),
    )


def _sanction(room: Room, state: State, command: SetSanction, moderated: Moderated) -> Outcome:
    if room.type == "direct":
        return Refusal("not_allowed", "In a direct room nobody is above the other.")
    if state.subject is not None and not _above(state.actor, state.subject, command.admin):
        return Refusal("not_allowed", "Members are sanctioned by those of a higher role.")
    return SanctionSet(
        **stamp(room, moderated),
        user=command.user,
        sanction=command.sanction,
        until_ms=until(moderated.at_ms, command.seconds),
        reason=composed(command.reason),
    )


def _above(actor: Member | None, subject: Member, admin: bool) -> bool:
    if subject.role == "owner":  # a room without its owner could never be handed over
        return False
    return admin or (actor is not None and may_act_on(actor.role, subject.role))


def _lift(room: Room, state: State, command: LiftSanction, moderated: Moderated) -> Outcome:
    if state.subject is not None and not _above(state.actor, state.subject, command.admin):
        return Refusal("not_allowed", "Sanctions of members are lifted by those of a higher role.")
    sanction = state.subject_sanction
    if sanction is None or not holds(sanction, moderated.at_ms):
        return Repeat(sanction.n if sanction else 0)
    return SanctionLifted(
        **stamp(room, moderated), user=command.user, reason=composed(command.reason)
    )
