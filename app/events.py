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


class RoomSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a room is run.

    `slow_mode`: seconds that a member waits between two messages, 0 for none. `post`: the least
    role that may write. `receipts`: whether people see who has read. `retention_days`: how long
    messages are kept, 0 for ever.
    """

    slow_mode: int = 0
    post: str = "member"
    receipts: bool = True
    retention_days: int = 0


class CreateRoom(Command, frozen=True, kw_only=True, tag="room.create", omit_defaults=True):
    """Open a room, with oneself as its owner.

    `type` is `group`, `public` or `direct`; a direct room is one's own with `user`.
    """

    type: str = "group"
    name: str = ""
    topic: str = ""
    user: str = ""


class ChangeRoom(Command, frozen=True, kw_only=True, tag="room.change", omit_defaults=True):
    """Change what is given: name, topic, settings, whether the room is archived."""

    name: str | None = None
    topic: str | None = None
    settings: RoomSettings | None = None
    archived: bool | None = None


class AddMember(Command, frozen=True, kw_only=True, tag="member.add"):
    """Make `user` a member of the room."""

    user: str
    role: str = "member"


class RemoveMember(Command, frozen=True, kw_only=True, tag="member.remove"):
    """Let `user` be a member no longer; oneself: leave."""

    user: str


class ChangeRole(Command, frozen=True, kw_only=True, tag="member.change"):
    """Give `user` another role; `owner`: hand the room over."""

    user: str
    role: str


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that lies elsewhere; `size` in bytes."""

    url: str
    name: str = ""
    type: str = ""
    size: int = 0


class SendMessage(Command, frozen=True, kw_only=True, tag="message.send", omit_defaults=True):
    """Say something; `reply_to` and `thread` are the `seq` of a message answered, of a root."""

    text: str
    reply_to: int = 0
    thread: int = 0
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = {}


class EditMessage(Command, frozen=True, kw_only=True, tag="message.edit"):
    """Give a message another text."""

    seq: int
    text: str


class DeleteMessage(Command, frozen=True, kw_only=True, tag="message.delete"):
    """Take a message away."""

    seq: int


class AddReaction(Command, frozen=True, kw_only=True, tag="reaction.add"):
    """React to a message with an emoji."""

    seq: int
    emoji: str


class RemoveReaction(Command, frozen=True, kw_only=True, tag="reaction.remove"):
    """Take a reaction of one's own back."""

    seq: int
    emoji: str


class HideMessage(Command, frozen=True, kw_only=True, tag="message.hide", omit_defaults=True):
    """Take a message from everybody's view, as moderation; `admin`: as one who may so anywhere."""

    seq: int
    reason: str = ""
    admin: bool = False


class ApproveMessage(Command, frozen=True, kw_only=True, tag="message.approve", omit_defaults=True):
    """Let a message of `user` into the room that was held; `client_id` is the message's own."""

    user: str
    text: str
    reply_to: int = 0
    thread: int = 0
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = {}
    admin: bool = False


class SetSanction(Command, frozen=True, kw_only=True, tag="sanction.set", omit_defaults=True):
    """Silence `user` in the room (`mute`), or shut them out (`ban`), for `seconds`; 0: for good."""

    user: str
    sanction: str
    seconds: int = 0
    reason: str = ""
    admin: bool = False


class LiftSanction(Command, frozen=True, kw_only=True, tag="sanction.lift", omit_defaults=True):
    """Take the sanction from `user`."""

    user: str
    reason: str = ""
    admin: bool = False


AnyCommand = (
    CreateRoom
    | ChangeRoom
    | AddMember
    | RemoveMember
    | ChangeRole
    | SendMessage
    | EditMessage
    | DeleteMessage
    | AddReaction
    | RemoveReaction
    | HideMessage
    | ApproveMessage
    | SetSanction
    | LiftSanction
)

# ── chat.moderated: the wish with its verdict ────────────────────────────────────────────────


class Refusal(Struct, frozen=True):
    """Why not: a stable `code` for programs, a `reason` for people."""

    code: str
    reason: str


class Finding(Struct, frozen=True, omit_defaults=True):
    """What one rule of a set says of a message.

    `action` is `mask`, `hide`, `hold` or `refuse`, `matched` what of the rule's own was found,
    `spans` where: (start, end) in characters of the original text, without the end.
    """

    action: str
    rule: str
    reason: str
    matched: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


class Ruling(Struct, frozen=True, omit_defaults=True):
    """The verdict on a message: the strictest finding's action, and all findings from it down.

    `version` is that of the rule set. There is none where a message may pass.
    """

    action: str
    version: int
    findings: tuple[Finding, ...]


class Moderated(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command that moderation has seen: `src` is its offset in `chat.raw`, `at_ms` its time.

    Where `ruling` masks, the command has the masked text already.
    """

    src: int
    at_ms: int
    command: AnyCommand
    refusal: Refusal | None = None
    ruling: Ruling | None = None


# ── chat.log: what happened ──────────────────────────────────────────────────────────────────


class LogEvent(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Something that happened in a room; `n` is its place in the room's log: 1, 2, 3, no gap."""

    room: str
    n: int
    by: str
    at_ms: int
    id: str
    client_id: str


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


class Reacted(Struct, frozen=True):
    """How many put an emoji under a message, and who: the first of them, in that order."""

    count: int
    by: tuple[str, ...]


class Shadow(Struct, frozen=True, omit_defaults=True):
    """What a message says that its author alone sees, without being told so."""

    text: str
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = {}


class MessageCreated(
    LogEvent, frozen=True, kw_only=True, tag="message.created", omit_defaults=True
):
    """A message; `seq` counts the room's messages: 1, 2, 3, no gap.

    `mentions` are the members whom it names with `@`, `everyone` that it names `@room`. With
    `shadow` it says nothing to anybody but its author. `approved_by` let it in after it was held.
    """

    seq: int
    text: str
    reply_to: int = 0
    thread: int = 0
    mentions: tuple[str, ...] = ()
    everyone: bool = False
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = {}
    shadow: Shadow | None = None
    approved_by: str = ""
    #: Only where the message is shown as it is now, never in `chat.log`. `replies` counts those
    #: in its thread that are not deleted, `last_reply_ms` is the newest one's time.
    edited_ms: int = 0
    deleted: bool = False
    hidden: bool = False
    reactions: dict[str, Reacted] = {}
    replies: int = 0
    last_reply_ms: int = 0


class MessageEdited(LogEvent, frozen=True, kw_only=True, tag="message.edited", omit_defaults=True):
    """Message `seq` has another text, and may name more people.

    `of` is the `n` of the message itself, `prev` of the edit that this one replaces, or 0: where
    the old text still lies. Where the message is in the shadow, so is its text.
    """

    seq: int
    of: int
    text: str
    prev: int = 0
    mentions: tuple[str, ...] = ()
    everyone: bool = False
    shadow: Shadow | None = None


class MessageDeleted(
    LogEvent, frozen=True, kw_only=True, tag="message.deleted", omit_defaults=True
):
    """Message `seq` is gone: drop its text wherever it is; `of` and `prev` as of an edit.

    What an author does with a message in the shadow has a `shadow`, too: else it would tell whose
    the message is.
    """

    seq: int
    of: int
    prev: int = 0
    shadow: Shadow | None = None


class MessageHidden(MessageDeleted, frozen=True, kw_only=True, tag="message.hidden"):
    """Message `seq` is gone by moderation: in all else it is a deleted one."""

    reason: str = ""


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


class ReactionAdded(LogEvent, frozen=True, kw_only=True, tag="reaction.added", omit_defaults=True):
    """`by` reacts to message `seq`."""

    seq: int
    emoji: str
    shadow: Shadow | None = None


class ReactionRemoved(
    LogEvent, frozen=True, kw_only=True, tag="reaction.removed", omit_defaults=True
):
    """`by` takes the reaction back."""

    seq: int
    emoji: str
    shadow: Shadow | None = None


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

#: Headers of a `chat.log` record: the offset in `chat.raw` that caused it, the edge that waits for
#: the answer, and the verdict where the answer tells of one.
SRC: Final = "src"
EDGE: Final = "edge"
RULING: Final = "ruling"

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
    ruling: Ruling | None = None
    held: bool = False


# ── chat.moderation: what moderation did, kept long ──────────────────────────────────────────


class Act(Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Something that moderation did: `by` whom, in `room` (empty: everywhere), when."""

    id: str
    by: str
    at_ms: int
    room: str = ""


class Ruled(Act, frozen=True, kw_only=True, tag="ruled"):
    """The rules did not just let through what `by` wrote; `seq` where it was an edit."""

    client_id: str
    text: str
    ruling: Ruling
    seq: int = 0


class Held(Act, frozen=True, kw_only=True, tag="held"):
    """A message of `by` waits for somebody to look at it."""

    message: SendMessage
    ruling: Ruling


class Reported(Act, frozen=True, kw_only=True, tag="reported"):
    """`by` reports message `seq`, which `author` wrote and which said `text` then."""

    seq: int
    author: str
    text: str
    reason: str = ""


class Reviewed(Act, frozen=True, kw_only=True, tag="reviewed"):
    """`by` has looked at an item of the queue: `approve`, `reject`, `remove` or `dismiss`."""

    item: str
    action: str
    reason: str = ""


class Sanctioned(Act, frozen=True, kw_only=True, tag="sanctioned"):
    """`user` may not write anywhere (`mute`), or is shut out (`ban`); lifted: `sanction` empty.

    Also the record of `chat.sanctions`, keyed by user, of which the newest counts.
    """

    user: str
    sanction: str = ""
    until_ms: int = 0
    reason: str = ""


class RulesSet(Act, frozen=True, kw_only=True, tag="rules"):
    """`by` has put a rule set in force: the record of `chat.rules`, of which the newest counts.

    `source` is TOML, `lists` the word files that it names. Its version is its offset plus one.
    On `chat.moderation` it has the version and not the lists.
    """

    source: str
    lists: dict[str, tuple[str, ...]] = {}
    version: int = 0


AnyAct = Ruled | Held | Reported | Reviewed | Sanctioned | RulesSet


class Written(Struct, frozen=True):
    """`chat.pace`, keyed by user: somebody has written a message, somewhere."""

    user: str
    at_ms: int


# ── chat.receipts: who has read up to where ──────────────────────────────────────────────────


class Receipt(Struct, frozen=True, kw_only=True):
    """`by` has read the room's messages up to `seq`; `id` and `edge` as of a command."""

    room: str
    by: str
    seq: int
    id: str
    edge: str = ""


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


class Erasure(Struct, frozen=True, kw_only=True):
    """What `user` said up to this time is erased."""

    user: str
    until_ms: int


class Dead(Struct, frozen=True, kw_only=True):
    """A record that could not be used, where it stood, and why.

    `key` and `value` are the record's own, as base64 in JSON.
    """

    topic: str
    partition: int
    offset: int
    group: str
    reason: str
    value: bytes
    key: bytes = b""

    @property
    def place(self) -> str:
        """Which record of which group it is: the key in `chat.dead`, and its name for people."""
        return f"{self.topic}/{self.partition}/{self.offset}@{self.group}"


# ── bytes ────────────────────────────────────────────────────────────────────────────────────

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (
        *(AnyCommand, Moderated, AnyLogEvent, Verdict, Receipt, Connection, Erasure, Dead),
        *(AnyAct, Written, Ruling),
    )
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


def decode_receipt(value: bytes | None) -> Receipt:
    """A `chat.receipts` record; raises `Malformed` with what is wrong."""
    receipt: Receipt = _decode(Receipt, value)
    return receipt


def decode_connection(value: bytes | None) -> Connection:
    """A `chat.connections` record; raises `Malformed` with what is wrong."""
    connection: Connection = _decode(Connection, value)
    return connection


def decode_erasure(value: bytes | None) -> Erasure:
    """A `chat.erasures` record; raises `Malformed` with what is wrong."""
    erasure: Erasure = _decode(Erasure, value)
    return erasure


def decode_dead(value: bytes | None) -> Dead:
    """A `chat.dead` record; raises `Malformed` with what is wrong."""
    dead: Dead = _decode(Dead, value)
    return dead


def decode_act(value: bytes | None) -> AnyAct:
    """A record of `chat.moderation`, `chat.sanctions` or `chat.rules`; raises `Malformed`."""
    act: AnyAct = _decode(AnyAct, value)
    return act


def decode_ruling(value: bytes | None) -> Ruling:
    """The header `ruling` of a `chat.log` record; raises `Malformed` with what is wrong."""
    ruling: Ruling = _decode(Ruling, value)
    return ruling


def decode_written(value: bytes | None) -> Written:
    """A `chat.pace` record; raises `Malformed` with what is wrong."""
    written: Written = _decode(Written, value)
    return written
