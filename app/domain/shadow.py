"""Shadowed messages, which only their author sees: the event for each reader."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from app.events import (
    AnyLogEvent,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
    decode_log,
    encode,
)

#: Part of the JSON of every event about a shadowed message, and rarely of others.
_SIGN: Final = b'"shadow":{'


Shadowed = MessageCreated | MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved


def is_shadowed(event: bytes) -> bool:
    """Whether the event may differ between readers."""
    return _SIGN in event


def shown_to(user: str, event: bytes) -> bytes:
    """The event for a reader: the author sees it like any other event.

    To others the message is a deleted one without an author; its numbers stay.
    """
    return _shown(user, event) if _SIGN in event else event


def _shown(user: str, raw: bytes) -> bytes:
    event = decode_log(raw)
    if not isinstance(event, Shadowed) or event.shadow is None:
        return raw
    return encode(_to_author(event) if event.by == user else _to_others(event))


def _to_author(event: Shadowed) -> AnyLogEvent:
    shadow = event.shadow
    assert shadow is not None
    if isinstance(event, MessageEdited):
        return replace(event, shadow=None, text=shadow.text)
    if not isinstance(event, MessageCreated):
        return replace(event, shadow=None)
    return replace(
        event,
        shadow=None,
        text=shadow.text,
        attachments=shadow.attachments,
        meta=shadow.meta,
    )


def _to_others(event: Shadowed) -> AnyLogEvent:
    if not isinstance(event, MessageCreated):
        return replace(event, shadow=None, by="", client_id="")
    return replace(
        event,
        shadow=None,
        by="",
        client_id="",
        reply_to=0,
        thread=0,
        reactions={},
        deleted=True,
        hidden=True,
    )
