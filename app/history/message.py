"""A message in its present form: its row, and the changes that events of the log make in it."""

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
    """A row of `messages`; `event` is the `message.created` JSON in its present form.

    `edit` is the `n` of the edit that the text is from, 0 before the first; `search_text` is the
    text folded for searching. Neither has deleted or replaced text.
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
    search_text: str


def new_row(event: MessageCreated, raw: bytes) -> Message:
    """The row of a new message."""
    return Message(
        room=event.room,
        seq=event.seq,
        n=event.n,
        by=event.by,
        at_ms=event.at_ms,
        thread=event.thread or None,
        edit=0,
        # A shadowed message counts as deleted for threads and pages; its author still sees it.
        deleted=event.deleted or event.shadow is not None,
        event=raw,
        search_text=fold(event.text),
    )


def changed_row(message: Message, event: MessageEdited | MessageDeleted) -> Message:
    """The row after an edit or a deletion; the same row if it has that event already."""
    before = shown(message.event)
    if message.deleted and before.shadow is None:
        return message
    if isinstance(event, MessageDeleted):
        return cleared_row(message, hidden=isinstance(event, MessageHidden))
    if event.n <= message.edit:
        return message
    now = message_state.edited(before, event)
    return message._replace(edit=event.n, event=encode(now), search_text=fold(event.text))


def cleared_row(message: Message, *, nameless: bool = False, hidden: bool = False) -> Message:
    """The row of a deleted message; a `nameless` one has no author either.

    It does not depend on earlier edits, and later ones do not change it.
    """
    now = cleared_event(shown(message.event), nameless=nameless, hidden=hidden)
    return message._replace(deleted=True, by=now.by, edit=0, event=encode(now), search_text="")


def cleared_event(
    event: MessageCreated, *, nameless: bool = False, hidden: bool = False
) -> MessageCreated:
    """The event of a message that is deleted, or whose author is forgotten."""
    gone = message_state.deleted(event, hidden=hidden or event.hidden)
    return replace(gone, by="", client_id="") if nameless else gone


def shown(event: bytes) -> MessageCreated:
    """A row's `event`, decoded."""
    decoded = decode_log(event)
    assert isinstance(decoded, MessageCreated)
    return decoded
