"""Which events end somebody's membership."""

from __future__ import annotations

from app.events import AnyLogEvent, MemberRemoved, SanctionSet


def left(event: AnyLogEvent) -> str:
    """Who is a member no longer from this event on; empty for nobody."""
    if isinstance(event, MemberRemoved) or (
        isinstance(event, SanctionSet) and event.sanction == "ban"
    ):
        return event.user
    return ""
