"""The cursor of an event that was pulled: its place, by which it is acknowledged."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from app.domain.subscriptions.kinds import TOPICS
from app.errors import Malformed
from app.events import Position
from app.subscriptions.event_window import Source
from app.subscriptions.source_events import SourceEvent

_FORM: Final = re.compile(r"([a-z]{1,20})-(\d{1,5})-(\d{1,18})-(\d{1,18})-(\d{1,18})", re.ASCII)
_PREFIX: Final = "chat."


class PullCursor(NamedTuple):
    """The partition, position and offset of an event."""

    source: Source
    position: Position
    offset: int


def cursor_of(source: Source, event: SourceEvent) -> str:
    """The cursor of an event as text."""
    name = source.topic.removeprefix(_PREFIX)
    return f"{name}-{source.partition}-{event.position.epoch}-{event.position.pos}-{event.offset}"


def decode_cursor(text: str, partitions: int) -> PullCursor:
    """A cursor from its text; raises `Malformed`."""
    found = _FORM.fullmatch(text)
    if found is None or f"{_PREFIX}{found[1]}" not in TOPICS or int(found[2]) >= partitions:
        raise Malformed(f"this is no cursor of a pulled event: {text[:80]!r}")
    source = Source(f"{_PREFIX}{found[1]}", int(found[2]))
    return PullCursor(source, Position(int(found[3]), int(found[4])), int(found[5]))
