"""`chat.log`: what happens to messages."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from app.events.attachment import Attachment
from app.events.log_event import LogEvent


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
    meta: dict[str, Any] = field(default_factory=dict)
    shadow: Shadow | None = None
    approved_by: str = ""
    #: Only where the message is shown as it is now, never in `chat.log`. `replies` counts those
    #: in its thread that are not deleted, `last_reply_ms` is the newest one's time.
    edited_ms: int = 0
    deleted: bool = False
    hidden: bool = False
    reactions: dict[str, Reacted] = field(default_factory=dict)
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
