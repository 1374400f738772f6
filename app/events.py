"""What is on the wire: the records of each topic, and how they become bytes.

Values are JSON. A log event's bytes are what readers get, untouched, from `chat.log` to the
browser; what only the pipeline needs travels in record headers.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from app.errors import Malformed

# ── chat.raw: what somebody wants ────────────────────────────────────────────────────────────


class Command(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A wish, as an edge wrote it: `by` wants something of `room`.

    `id` is the edge's UUIDv7 for this attempt, `client_id` the client's name for the wish, the
    same in every attempt; `edge` is where the answer goes.
    """

    room: str
    by: str
    id: str
    client_id: str
    edge: str = ""


class CreateRoom(Command, frozen=True, kw_only=True, tag="room.create"):
    """Open a room, with oneself as its owner. `type` is `group` or `public`."""

    type: str = "group"
    name: str = ""


class AddMember(Command, frozen=True, kw_only=True, tag="member.add"):
    """Make `user` a member of the room."""

    user: str
    role: str = "member"


class SendMessage(Command, frozen=True, kw_only=True, tag="message.send"):
    """Say something."""

    text: str


AnyCommand = CreateRoom | AddMember | SendMessage

# ── chat.moderated: the wish with its verdict ────────────────────────────────────────────────


class Refusal(Struct, frozen=True):
    """Why not: a stable `code` for programs, a `reason` for people."""

    code: str
    reason: str


class Moderated(Struct, frozen=True, kw_only=True):
    """A command that moderation has seen: `src` is its offset in `chat.raw`, `at_ms` its time."""

    src: int
    at_ms: int
    command: AnyCommand
    refusal: Refusal | None = None


# ── chat.log: what happened ──────────────────────────────────────────────────────────────────


class LogEvent(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Something that happened in a room; `n` is its place in the room's log: 1, 2, 3, no gap."""

    room: str
    n: int
    by: str
    at_ms: int
    id: str
    client_id: str


class RoomCreated(LogEvent, frozen=True, kw_only=True, tag="room.created"):
    """The room begins; `by` is its owner and first member."""

    type: str
    name: str


class MemberAdded(LogEvent, frozen=True, kw_only=True, tag="member.added"):
    """`user` is a member from here on."""

    user: str
    role: str


class MessageCreated(LogEvent, frozen=True, kw_only=True, tag="message.created"):
    """A message; `seq` counts the room's messages: 1, 2, 3, no gap."""

    seq: int
    text: str


AnyLogEvent = RoomCreated | MemberAdded | MessageCreated

#: Headers of a `chat.log` record: the offset in `chat.raw` that caused it, and the edge that
#: waits for the answer.
SRC: Final = "src"
EDGE: Final = "edge"

# ── chat.verdicts: answers that are no log event ─────────────────────────────────────────────


class Verdict(Struct, kw_only=True):
    """What became of a command: its place in the log, or a refusal.

    `id` is the attempt that is answered; `event_id` the log event's, which for a repeated
    `client_id` is the first attempt's.
    """

    id: str
    room: str
    by: str
    client_id: str
    edge: str = ""
    event_id: str = ""
    n: int = 0
    seq: int = 0
    repeated: bool = False
    refusal: Refusal | None = None


# ── chat.connections, chat.dead ──────────────────────────────────────────────────────────────


class Connection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stream that `opened` or `closed`: who, at which edge, over what, why it ended."""

    user: str
    what: str
    edge: str
    connection: str
    transport: str
    at_ms: int
    why: str = ""


class Dead(Struct, frozen=True, kw_only=True):
    """A record that could not be used, where it stood, and why; `value` is base64 in JSON."""

    topic: str
    partition: int
    offset: int
    group: str
    reason: str
    value: bytes


# ── bytes ────────────────────────────────────────────────────────────────────────────────────

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (AnyCommand, Moderated, AnyLogEvent, Verdict, Connection, Dead)
}


def encode(event: Struct) -> bytes:
    """An event as the bytes that go into Kafka."""
    return _encoder.encode(event)


def _decode(kind: Any, value: bytes | None) -> Any:
    if value is None:
        raise Malformed("the record has no value")
    try:
        return _decoders[kind].decode(value)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from error


def decode_command(value: bytes | None) -> AnyCommand:
    """A `chat.raw` record; raises `Malformed` with what is wrong."""
    command: AnyCommand = _decode(AnyCommand, value)
    return command


def decode_moderated(value: bytes | None) -> Moderated:
    """A `chat.moderated` record; raises `Malformed` with what is wrong."""
    moderated: Moderated = _decode(Moderated, value)
    return moderated


def decode_log(value: bytes | None) -> AnyLogEvent:
    """A `chat.log` record; raises `Malformed` with what is wrong."""
    event: AnyLogEvent = _decode(AnyLogEvent, value)
    return event


def decode_verdict(value: bytes | None) -> Verdict:
    """A `chat.verdicts` record; raises `Malformed` with what is wrong."""
    verdict: Verdict = _decode(Verdict, value)
    return verdict


def decode_connection(value: bytes | None) -> Connection:
    """A `chat.connections` record; raises `Malformed` with what is wrong."""
    connection: Connection = _decode(Connection, value)
    return connection


def decode_dead(value: bytes | None) -> Dead:
    """A `chat.dead` record; raises `Malformed` with what is wrong."""
    dead: Dead = _decode(Dead, value)
    return dead
