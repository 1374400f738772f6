"""Messages that their author alone sees: what each reader gets of the same event."""

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

#: What an event has in it that may be of a message in the shadow. Others have it rarely.
_SIGN: Final = b'"shadow":{'


Shadowed = MessageCreated | MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved


def is_shadowed(event: bytes) -> bool:
    """Whether the event may be one that readers get differently."""
    return _SIGN in event


def shown_to(user: str, event: bytes) -> bytes:
    """The event as this reader gets it: to its author it looks like any other.

    To others the message is one of nobody's that is gone; its place and its numbers stay.
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
