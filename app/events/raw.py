"""`chat.raw`: commands."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.attachment import Attachment
from app.events.codec import decoded
from app.events.room_settings import RoomSettings


class Command(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A command of the user `by` to `room`, as an edge writes it.

    `id` is the edge's UUIDv7 for this attempt. `client_id` is the client's name for the command,
    the same in every attempt. `edge` is the edge that waits for the answer.
    """

    room: str
    by: str
    id: str
    client_id: str
    edge: str = ""


class NumberedCommand(Command, frozen=True, kw_only=True, omit_defaults=True):
    """A command that names messages by their `seq`.

    `epoch` is that of the log in which the edge saw these numbers; `None`: it does not say.
    """

    epoch: int | None = None


class CreateRoom(Command, frozen=True, kw_only=True, tag="room.create", omit_defaults=True):
    """Create a room with `by` as its owner.

    `type` is `group`, `public` or `direct`; a direct room has `by` and `user` as members.
    """

    type: str = "group"
    name: str = ""
    topic: str = ""
    user: str = ""


class ChangeRoom(Command, frozen=True, kw_only=True, tag="room.change", omit_defaults=True):
    """Change what is given of name, topic, settings and archived."""

    name: str | None = None
    topic: str | None = None
    settings: RoomSettings | None = None
    archived: bool | None = None


class AddMember(Command, frozen=True, kw_only=True, tag="member.add"):
    """Make `user` a member of the room."""

    user: str
    role: str = "member"


class RemoveMember(Command, frozen=True, kw_only=True, tag="member.remove"):
    """End the membership of `user`; with `by` as `user`, leave."""

    user: str


class ChangeRole(Command, frozen=True, kw_only=True, tag="member.change"):
    """Give `user` another role; `owner` hands the room over."""

    user: str
    role: str


class SendMessage(
    NumberedCommand, frozen=True, kw_only=True, tag="message.send", omit_defaults=True
):
    """Send a message; `reply_to` and `thread` are the `seq` of the answered and root message."""

    text: str
    reply_to: int = 0
    thread: int = 0
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = {}


class EditMessage(
    NumberedCommand, frozen=True, kw_only=True, tag="message.edit", omit_defaults=True
):
    """Give a message another text; `file`: it has an attachment, so the text may be empty."""

    seq: int
    text: str
    file: bool = False


class DeleteMessage(NumberedCommand, frozen=True, kw_only=True, tag="message.delete"):
    """Delete a message."""

    seq: int


class AddReaction(NumberedCommand, frozen=True, kw_only=True, tag="reaction.add"):
    """React to a message with an emoji."""

    seq: int
    emoji: str


class RemoveReaction(NumberedCommand, frozen=True, kw_only=True, tag="reaction.remove"):
    """Remove one's own reaction."""

    seq: int
    emoji: str


class HideMessage(
    NumberedCommand, frozen=True, kw_only=True, tag="message.hide", omit_defaults=True
):
    """Delete a message by moderation; `admin`: by an admin, who needs no role in the room."""

    seq: int
    reason: str = ""
    admin: bool = False


class ApproveMessage(
    NumberedCommand, frozen=True, kw_only=True, tag="message.approve", omit_defaults=True
):
    """Approve a held message of `user`; `client_id` is that of the message."""

    user: str
    text: str
    reply_to: int = 0
    thread: int = 0
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = {}
    admin: bool = False


class SetSanction(Command, frozen=True, kw_only=True, tag="sanction.set", omit_defaults=True):
    """Mute `user` in the room (`mute`), or ban them (`ban`), for `seconds`; 0: for good."""

    user: str
    sanction: str
    seconds: int = 0
    reason: str = ""
    admin: bool = False


class LiftSanction(Command, frozen=True, kw_only=True, tag="sanction.lift", omit_defaults=True):
    """Lift the sanction of `user`."""

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
    """A `chat.raw` record; raises `Malformed` with the reason."""
    return decoded(_commands, value)
