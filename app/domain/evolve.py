"""The state of a room after an event: a function of the state before and the event.

So the state can always be derived from the log again. A record that has seen an event already does
not change.
"""

from __future__ import annotations

from uuid import UUID

from msgspec.structs import replace

from app.domain.records import Member, Message, Reactions, Room, Sender, Sent, State
from app.domain.roles import first_role
from app.domain.sanctions import Sanction
from app.events import (
    AnyLogEvent,
    MemberAdded,
    MemberRemoved,
    MemberRole,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
    RoomChanged,
    RoomCreated,
    SanctionLifted,
    SanctionSet,
    Source,
)


def evolve(state: State, event: AnyLogEvent, src: Source, epoch: int = 0) -> State:
    """The state after an event of this epoch of the log, whose command is at `src` in `chat.raw`.

    Raises `ValueError` for an event that can't be the next of its room: its number is another one,
    or there is no room yet.
    """
    return State(
        room=_room(state.room, event, src),
        actor=_actor(state.actor, event),
        sender=_sender(state.sender, event),
        sent=_sent(state.sent, event),
        subject=_subject(state.subject, event),
        message=_message(state.message, event, epoch),
        root=state.root,
        own=_own(state.own, event),
        sanction=state.sanction,
        subject_sanction=_sanction(state.subject_sanction, event),
    )


def _room(room: Room | None, event: AnyLogEvent, src: Source) -> Room:
    head = 0 if room is None else room.n
    if room is not None and event.n <= head:
        return room
    if event.n != head + 1:
        raise ValueError(f"{event.room} has event {event.n} right after {head}")
    if isinstance(event, RoomCreated):
        return Room(
            n=event.n,
            seq=0,
            src=src.offset,
            type=event.type,
            sanctioned=False,
            origin=src.origin,
        )
    if room is None:
        raise ValueError(f"{event.room} has event {event.n} before its room.created")
    room = replace(room, n=event.n, src=src.offset, origin=src.origin)
    if isinstance(event, MessageCreated):
        return replace(room, seq=event.seq)
    if isinstance(event, SanctionSet):
        return replace(room, sanctioned=True)
    if isinstance(event, RoomChanged):
        settings = room.settings if event.settings is None else event.settings
        archived = room.archived if event.archived is None else event.archived
        return replace(room, settings=settings, archived=archived)
    return room


def _actor(actor: Member | None, event: AnyLogEvent) -> Member | None:
    if isinstance(event, RoomCreated):
        return Member(first_role(event.type), event.n, event.at_ms)
    if isinstance(event, MemberRemoved) and event.user == event.by:
        return None
    if isinstance(event, MemberRole) and event.role == "owner" and actor is not None:
        return Member("admin", actor.n, actor.at_ms)
    return actor


def _subject(subject: Member | None, event: AnyLogEvent) -> Member | None:
    match event:
        case RoomCreated(user=user) if user and user != event.by:
            return Member(first_role(event.type), event.n, event.at_ms)
        case MemberAdded():
            return Member(event.role, event.n, event.at_ms)
        case MemberRemoved() | SanctionSet(sanction="ban"):
            return None
        case MemberRole() if subject is not None:
            return Member(event.role, subject.n, subject.at_ms)
        case MemberRole():
            return Member(event.role, event.n, event.at_ms)
    return subject


def _sender(sender: Sender, event: AnyLogEvent) -> Sender:
    if event.n <= sender.n or not isinstance(event, MessageCreated):
        return sender
    return Sender(event.n, event.at_ms)


def _sent(sent: Sent | None, event: AnyLogEvent) -> Sent:
    if sent is not None and event.n <= sent.n:
        return sent
    seq = event.seq if isinstance(event, MessageCreated) else 0
    return Sent(event.n, seq, UUID(event.id).bytes)


def _message(message: Message | None, event: AnyLogEvent, epoch: int) -> Message | None:
    if isinstance(event, MessageCreated):
        return Message(
            n=event.n,
            by=event.by,
            at=event.n,
            thread=event.thread,
            shadow=event.shadow is not None,
            epoch=epoch,
        )
    if message is None or event.n <= message.n:
        return message
    if isinstance(event, MessageEdited):
        return replace(message, n=event.n, edit=event.n)
    if isinstance(event, MessageDeleted):
        return replace(message, n=event.n, deleted=True, emojis={})
    if isinstance(event, ReactionAdded):
        count = message.emojis.get(event.emoji, 0) + 1
        return replace(message, n=event.n, emojis={**message.emojis, event.emoji: count})
    if isinstance(event, ReactionRemoved):
        count = message.emojis.get(event.emoji, 0) - 1
        others = {emoji: n for emoji, n in message.emojis.items() if emoji != event.emoji}
        emojis = {**others, event.emoji: count} if count > 0 else others
        return replace(message, n=event.n, emojis=emojis)
    return message


def _own(own: Reactions, event: AnyLogEvent) -> Reactions:
    if event.n <= own.n:
        return own
    if isinstance(event, ReactionAdded):
        return Reactions(event.n, (*own.emojis, event.emoji))
    if isinstance(event, ReactionRemoved):
        return Reactions(event.n, tuple(e for e in own.emojis if e != event.emoji))
    return own


def _sanction(sanction: Sanction | None, event: AnyLogEvent) -> Sanction | None:
    if sanction is not None and event.n <= sanction.n:
        return sanction
    if isinstance(event, SanctionSet):
        return Sanction(event.n, event.sanction, event.until_ms, event.reason)
    if isinstance(event, SanctionLifted):
        return Sanction(event.n, "")
    return sanction
