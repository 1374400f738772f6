"""Spans of deliveries: one for each traced event at this edge, however many streams get it."""

from __future__ import annotations

from collections.abc import Sequence

from app.events import trace_of
from app.tracing.tracing import Span, Tracing
from web.hub.event import Event
from web.hub.room import Room


def begun(tracing: Tracing, queued: Sequence[tuple[Room, Event]]) -> list[Span]:
    """The spans of those of the events that are traced."""
    spans: list[Span] = []
    for room, event in queued:
        if (place := trace_of(event.data)) is None:
            continue
        if (span := tracing.after("deliver", place)) is not None:
            subscribers = len(room.audience().subscribers)
            span.note(parley_room=room.name, parley_n=event.n, parley_subscribers=subscribers)
            spans.append(span)
    return spans


def end(spans: Sequence[Span]) -> None:
    """End them: the events are with the kernel, or wait for slow clients."""
    for span in spans:
        span.end()
