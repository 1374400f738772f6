"""The present form of a message after edits and deletions, the same in every store."""

from __future__ import annotations

from msgspec.structs import replace

from app.events import MessageCreated, MessageEdited, Shadow


def edited(message: MessageCreated, event: MessageEdited) -> MessageCreated:
    """The message with the edit's text and mentions; old mentions would reveal the old text."""
    return replace(
        message,
        text=event.text,
        mentions=event.mentions,
        everyone=event.everyone,
        edited_ms=event.at_ms,
        edited_by="" if event.by == message.by else event.by,
        shadow=_shadowed(message.shadow, event.shadow),
    )


def _shadowed(before: Shadow | None, now: Shadow | None) -> Shadow | None:
    """The shadow with an edit's text; its attachments stay."""
    return replace(before, text=now.text) if before is not None and now is not None else before


def deleted(message: MessageCreated, *, hidden: bool = False) -> MessageCreated:
    """The message without its content; its number, time and author stay.

    `hidden`: deleted by moderation.
    """
    return replace(
        message,
        text="",
        mentions=(),
        everyone=False,
        attachments=(),
        meta={},
        reactions={},
        edited_ms=0,
        edited_by="",
        deleted=True,
        hidden=hidden,
        shadow=None,
    )
