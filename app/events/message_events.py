"""`chat.log`: events about messages."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from app.events.attachment import Attachment
from app.events.log_event import LogEvent


class Reacted(Struct, frozen=True):
    """The number of reactions with an emoji, and the users of the first of them, in order."""

    count: int
    by: tuple[str, ...]


class Shadow(Struct, frozen=True, omit_defaults=True):
    """The content of a shadowed message, which only its author sees, without knowing it."""

    text: str
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = {}


#: Of a shadowed message only its author sees the content. Events of the author about it have one,
#: too: otherwise they would reveal the author. The description of the edge leaves the field out,
#: because no reader gets it.
Shadowing = Annotated[Shadow | None, Meta(extra_json_schema={"x-internal": True})]


class MessageCreated(
    LogEvent, frozen=True, kw_only=True, tag="message.created", omit_defaults=True
):
    """A message; `seq` counts the room's messages: 1, 2, 3, without a gap.

    `mentions` are the mentioned members, `everyone` is whether it mentions `@room`. `approved_by`
    is the moderator who approved a held message.
    """

    seq: int
    text: str
    reply_to: int = 0
    thread: int = 0
    mentions: tuple[str, ...] = ()
    everyone: bool = False
    attachments: tuple[Attachment, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)
    shadow: Shadowing = None
    approved_by: str = ""
    #: For a message in its present form, never in `chat.log`. `edited_by` is the moderator whose
    #: text it is, where that is not the author. `replies` counts the replies in its thread that are
    #: not deleted, `last_reply_seq` and `last_reply_ms` are of the newest.
    edited_ms: int = 0
    edited_by: str = ""
    deleted: bool = False
    hidden: bool = False
    reactions: dict[str, Reacted] = field(default_factory=dict)
    replies: int = 0
    last_reply_seq: int = 0
    last_reply_ms: int = 0


class MessageEdited(LogEvent, frozen=True, kw_only=True, tag="message.edited", omit_defaults=True):
    """Message `seq` has another text, and may mention more users.

    `of` is the `n` of the message itself, `prev` that of the edit that this one replaces, or 0: the
    events with the old text.
    """

    seq: int
    of: int
    text: str
    prev: int = 0
    mentions: tuple[str, ...] = ()
    everyone: bool = False
    shadow: Shadowing = None


class MessageDeleted(
    LogEvent, frozen=True, kw_only=True, tag="message.deleted", omit_defaults=True
):
    """Message `seq` is deleted, its text to be removed everywhere; `of`, `prev` as in an edit."""

    seq: int
    of: int
    prev: int = 0
    shadow: Shadowing = None


class MessageHidden(MessageDeleted, frozen=True, kw_only=True, tag="message.hidden"):
    """Message `seq` is deleted by moderation."""

    reason: str = ""


class ReactionAdded(LogEvent, frozen=True, kw_only=True, tag="reaction.added", omit_defaults=True):
    """`by` reacts to message `seq`."""

    seq: int
    emoji: str
    shadow: Shadowing = None


class ReactionRemoved(
    LogEvent, frozen=True, kw_only=True, tag="reaction.removed", omit_defaults=True
):
    """`by` removes the reaction."""

    seq: int
    emoji: str
    shadow: Shadowing = None
