"""Messages as they are now: the history store's, with the events that it does not have yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from app.domain.replaced_text import Replacing, rewritten
from app.events import MessageCreated, decode_log

#: The beginning of the JSON of messages, edits and deletions.
_ABOUT_MESSAGES = b'{"kind":"message.'


def with_changes(
    messages: Mapping[int, bytes],
    events: Iterable[bytes],
    wanted: Callable[[MessageCreated], bool],
) -> dict[int, bytes]:
    """The messages by `seq`, with the new ones that are `wanted`, after these events of their room.

    The events are in their order, up to the newest. Some of them may have been applied already.
    """
    found = dict(messages)
    for raw in events:
        if not raw.startswith(_ABOUT_MESSAGES):
            continue
        event = decode_log(raw)
        if isinstance(event, MessageCreated):
            if event.seq not in found and wanted(event):
                found[event.seq] = raw
        elif isinstance(event, Replacing) and event.seq in found:
            found[event.seq] = rewritten(found[event.seq], event)
    return found
