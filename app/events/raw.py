"""`chat.raw`: what somebody wants."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.attachment import Attachment
from app.events.codec import decoded
from app.events.room_settings import RoomSettings


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

_commands: Final[Decoder[AnyCommand]] = Decoder(AnyCommand)


def decode_command(value: bytes | None) -> AnyCommand:
    """A `chat.raw` record; raises `Malformed` with what is wrong."""
    return decoded(_commands, value)
