"""What a room makes of a command: the next event of its log, a refusal, or a repetition.

`decide` says what happens, `apply` what is remembered of it. A room's state is nothing but its
log, applied in order: whoever lost the state reads the log again and has it back.
"""

from __future__ import annotations

from msgspec import Struct

from app.events import (
    AddMember,
    AnyCommand,
    AnyLogEvent,
    CreateRoom,
    MemberAdded,
    MessageCreated,
    Moderated,
    Refusal,
    RoomCreated,
    SendMessage,
)
from app.rules.sent import Sent, find, remember


class Room(Struct, frozen=True):
    """A room: the numbers of its newest event and message, and what it was made as.

    `src` is the `chat.raw` offset of the newest event. Commands at or below it have been
    decided, whatever became of them.
    """

    n: int
    seq: int
    src: int
    type: str
    name: str


class Member(Struct, frozen=True):
    """Somebody who belongs to a room since its event `n`."""

    role: str
    n: int


class Sender(Struct, frozen=True):
    """What somebody sent to a room: the newest event `n`, and a ring of the last client ids."""

    n: int = 0
    sent: bytes = b""


class Progress(Struct, frozen=True):
    """All that the log says up to this offset of `chat.log` is in the tables."""

    offset: int


class State(Struct, frozen=True):
    """All that one command depends on: the room, who acts, who is acted upon."""

    room: Room | None = None
    actor: Member | None = None
    sender: Sender = Sender()
    subject: Member | None = None


class Repeat(Struct, frozen=True):
    """The client id was there before: its place in the log stays."""

    n: int
    seq: int
    event_id: str


def subject_of(command: AnyCommand | AnyLogEvent) -> str | None:
    """The person acted upon, where it is another than the one who acts."""
    return command.user if isinstance(command, AddMember | MemberAdded) else None


def decide(state: State, moderated: Moderated) -> AnyLogEvent | Refusal | Repeat | None:
    """What becomes of a command; `None` where that was settled before.

    Takes no clock and draws no number of its own, so that two workers that both believe the
    room is theirs come to the same event.
    """
    room, command = state.room, moderated.command
    if room is not None and moderated.src <= room.src:
        return None
    if (sent := find(state.sender.sent, command.client_id)) is not None:
        return Repeat(sent.n, sent.seq, sent.event_id)
    if moderated.refusal is not None:
        return moderated.refusal
    if isinstance(command, CreateRoom):
        return _create(room, command, moderated.at_ms)
    if room is None:
        return Refusal("room_unknown", f"There is no room {command.room!r}.")
    if state.actor is None and not _may_join(room, command):
        return Refusal("not_a_member", f"{command.by!r} is not a member of {command.room!r}.")
    if isinstance(command, SendMessage):
        return _message(room, command, moderated.at_ms)
    return _add(room, state, command, moderated.at_ms)


def _create(room: Room | None, command: CreateRoom, at_ms: int) -> RoomCreated | Refusal:
    if room is not None:
        return Refusal("room_exists", f"There is a room {command.room!r} already.")
    return RoomCreated(
        room=command.room,
        n=1,
        by=command.by,
        at_ms=at_ms,
        id=command.id,
        client_id=command.client_id,
        type=command.type,
        name=command.name,
    )


def _message(room: Room, command: SendMessage, at_ms: int) -> MessageCreated:
    return MessageCreated(
        room=command.room,
        n=room.n + 1,
        by=command.by,
        at_ms=at_ms,
        id=command.id,
        client_id=command.client_id,
        seq=room.seq + 1,
        text=command.text,
    )


def _may_join(room: Room, command: AnyCommand) -> bool:
    return room.type == "public" and isinstance(command, AddMember) and command.user == command.by


def _add(
    room: Room, state: State, command: AddMember, at_ms: int
) -> MemberAdded | Refusal | Repeat:
    if state.subject is not None:
        return Repeat(state.subject.n, 0, "")
    if command.role != "member":
        return Refusal("not_allowed", f"Nobody can be added as {command.role!r}.")
    if state.actor is not None and state.actor.role != "owner":
        return Refusal("not_allowed", "Only the owner adds members.")
    return MemberAdded(
        room=command.room,
        n=room.n + 1,
        by=command.by,
        at_ms=at_ms,
        id=command.id,
        client_id=command.client_id,
        user=command.user,
        role=command.role,
    )


def apply(state: State, event: AnyLogEvent, src: int) -> State:
    """The state after an event; any part that has seen the event stays as it is.

    Each part carries the `n` up to which it stands, because after a crash one part may have been
    kept and another not.
    """
    return State(
        room=_room_after(state.room, event, src),
        actor=Member("owner", event.n) if isinstance(event, RoomCreated) else state.actor,
        sender=_sender_after(state.sender, event),
        subject=Member(event.role, event.n) if isinstance(event, MemberAdded) else state.subject,
    )


def _room_after(room: Room | None, event: AnyLogEvent, src: int) -> Room:
    if room is not None and event.n <= room.n:
        return room
    if isinstance(event, RoomCreated):
        return Room(n=event.n, seq=0, src=src, type=event.type, name=event.name)
    if room is None:
        raise ValueError(f"{event.room} has event {event.n} before its room.created")
    seq = event.seq if isinstance(event, MessageCreated) else room.seq
    return Room(n=event.n, seq=seq, src=src, type=room.type, name=room.name)


def _sender_after(sender: Sender, event: AnyLogEvent) -> Sender:
    if event.n <= sender.n:
        return sender
    seq = event.seq if isinstance(event, MessageCreated) else 0
    sent = Sent(n=event.n, seq=seq, event_id=event.id)
    return Sender(n=event.n, sent=remember(sender.sent, event.client_id, sent))
