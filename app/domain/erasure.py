"""Events without what forgotten people said, for every copy of the log that is filled again."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from app.events import AnyLogEvent, MessageCreated, MessageEdited

#: Forgotten people, each with the time up to which, in milliseconds.
Erased = Mapping[str, int]


def without_erased(event: AnyLogEvent, erased: Erased, gone: set[tuple[str, int]]) -> AnyLogEvent:
    """The event without the words of forgotten people; the same object where it has none.

    `gone` are the erased messages (room, seq) of earlier events, whose edits are emptied by whoever
    they are; a message that this call erases is added.
    """
    if isinstance(event, MessageCreated) and event.at_ms <= erased.get(event.by, -1):
        gone.add((event.room, event.seq))
        nothing = {"text": "", "attachments": (), "meta": {}, "mentions": (), "everyone": False}
        nothing |= {"shadow": None}
        return replace(event, by="", client_id="", deleted=True, **nothing)
    if isinstance(event, MessageEdited) and (event.room, event.seq) in gone:
        return replace(event, client_id="", text="", mentions=(), shadow=None)
    return event
