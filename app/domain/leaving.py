"""Which events end somebody's membership."""

from __future__ import annotations

from app.events import AnyLogEvent, MemberRemoved, SanctionSet, decode_log

#: How the JSON of the events begins that may end a membership.
_LEAVING = (b'{"kind":"member.removed"', b'{"kind":"sanction.set"')


def left(event: AnyLogEvent) -> str:
    """Who is a member no longer from this event on; empty for nobody."""
    if isinstance(event, MemberRemoved) or (
        isinstance(event, SanctionSet) and event.sanction == "ban"
    ):
        return event.user
    return ""


def leaver(event: bytes) -> str:
    """As `left`, of an event as JSON, of which hardly any has to be decoded."""
    return left(decode_log(event)) if event.startswith(_LEAVING) else ""
