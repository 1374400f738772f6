"""A message as it is shown after what became of it, the same in every store and view."""

from __future__ import annotations

from msgspec.structs import replace

from app.events import MessageCreated, MessageEdited, Shadow


def edited(message: MessageCreated, event: MessageEdited) -> MessageCreated:
    """The message with the edit's text; the old one's mentions would tell what it said."""
    return replace(
        message,
        text=event.text,
        mentions=event.mentions,
        everyone=event.everyone,
        edited_ms=event.at_ms,
        shadow=_shadowed(message.shadow, event.shadow),
    )


def _shadowed(before: Shadow | None, now: Shadow | None) -> Shadow | None:
    """The shadow with an edit's text; what is attached to it stays."""
    return replace(before, text=now.text) if before is not None and now is not None else before


def deleted(message: MessageCreated, *, hidden: bool = False) -> MessageCreated:
    """The message without all that was said in it; its place, its time and its author stay.

    `hidden`: by moderation.
    """
    return replace(
        message,
        text="",
        mentions=(),
        everyone=False,
        attachments=(),
        meta={},
        edited_ms=0,
        deleted=True,
        hidden=hidden,
        shadow=None,
    )
