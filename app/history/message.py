"""A message as it is now: what its row holds, and what the log's events make of it."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from app.domain import message_state
from app.events import (
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    MessageHidden,
    decode_log,
    encode,
)
from app.history.fold import fold


class Message(NamedTuple):
    """A row of `messages`; `event` is the `message.created` JSON as it is shown.

    `edit` is the `n` of the edit that the text is from, 0 before the first; `folded` is what is
    searched. What was deleted or replaced is in neither.
    """

    room: str
    seq: int
    n: int
    by: str
    at_ms: int
    thread: int | None
    edit: int
    deleted: bool
    event: bytes
    folded: str


def said(event: MessageCreated, raw: bytes) -> Message:
    """The row of a message that was just written."""
    return Message(
        room=event.room,
        seq=event.seq,
        n=event.n,
        by=event.by,
        at_ms=event.at_ms,
        thread=event.thread or None,
        edit=0,
        # In the shadow it counts as gone, for threads and pages; its author still sees it.
        deleted=event.deleted or event.shadow is not None,
        event=raw,
        folded=fold(event.text),
    )


def retold(message: Message, event: MessageEdited | MessageDeleted) -> Message:
    """The row after an edit or a deletion; the same row where it has seen that already."""
    before = shown(message.event)
    if message.deleted and before.shadow is None:
        return message
    if isinstance(event, MessageDeleted):
        return emptied(message, hidden=isinstance(event, MessageHidden))
    if event.n <= message.edit:
        return message
    now = message_state.edited(before, event)
    return message._replace(edit=event.n, event=encode(now), folded=fold(event.text))


def emptied(message: Message, *, nameless: bool = False, hidden: bool = False) -> Message:
    """The row of a deleted message; where it is `nameless`, it has no author either.

    The same whether it had been edited or not: an edit that comes later changes nothing.
    """
    now = empty(shown(message.event), nameless=nameless, hidden=hidden)
    return message._replace(deleted=True, by=now.by, edit=0, event=encode(now), folded="")


def empty(event: MessageCreated, *, nameless: bool = False, hidden: bool = False) -> MessageCreated:
    """The event as it is shown where the message is deleted, or its author is forgotten."""
    gone = message_state.deleted(event, hidden=hidden or event.hidden)
    return replace(gone, by="", client_id="") if nameless else gone


def shown(event: bytes) -> MessageCreated:
    """A row's `event`, decoded."""
    decoded = decode_log(event)
    assert isinstance(decoded, MessageCreated)
    return decoded
