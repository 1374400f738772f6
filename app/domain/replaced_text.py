"""Text that a later edit or deletion has replaced: every copy of the log shows the present one.

The window in Valkey and the memory of an edge both hold events as JSON. Both rewrite the same
events in the same way, so a reader gets the same from either.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from app.domain import message_state
from app.domain.event_merge import Item
from app.events import (
    AnyLogEvent,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    MessageHidden,
    decode_log,
    encode,
)

#: The beginnings of the JSON of events that replace the text of earlier ones.
_REPLACING = tuple(b'{"kind":"message.%b"' % kind for kind in (b"edited", b"deleted", b"hidden"))

Replacing = MessageEdited | MessageDeleted


def replacing(event: bytes) -> Replacing | None:
    """The event, if it is an edit or a deletion; any other is not decoded."""
    if not event.startswith(_REPLACING):
        return None
    decoded = decode_log(event)
    assert isinstance(decoded, Replacing)
    return decoded


def replaced_places(event: Replacing) -> tuple[int, ...]:
    """The `n` of the events with the text that the event replaces: the message, its last edit."""
    return tuple(place for place in (event.of, event.prev) if place)


def shown_after(shown: AnyLogEvent, event: Replacing) -> AnyLogEvent:
    """One of the replaced events as it is shown from now on.

    A deleted message stays deleted: also one that was erased, which its room does not know.
    """
    if isinstance(shown, MessageEdited):
        return replace(shown, text="", shadow=None)
    if not isinstance(shown, MessageCreated) or shown.deleted:
        return shown
    return (
        message_state.edited(shown, event)
        if isinstance(event, MessageEdited)
        else message_state.deleted(shown, hidden=isinstance(event, MessageHidden))
    )


def rewritten(raw: bytes, event: Replacing) -> bytes:
    """As `shown_after`, for an event as JSON."""
    return encode(shown_after(decode_log(raw), event))


def as_now(items: Sequence[Item]) -> Sequence[Item]:
    """The items with the text that later ones among them have left to each."""
    found = [
        (item.n, item.room, change)
        for item in items
        if (change := replacing(item.event)) is not None
    ]
    if not found:
        return items
    changes: dict[tuple[str, int], list[Replacing]] = {}
    for _, room, change in sorted(found, key=lambda one: one[0]):
        for place in replaced_places(change):
            changes.setdefault((room, place), []).append(change)
    return [_changed(item, changes.get((item.room, item.n), ())) for item in items]


def _changed(item: Item, changes: Sequence[Replacing]) -> Item:
    for change in changes:
        item = item._replace(event=rewritten(item.event, change))
    return item
