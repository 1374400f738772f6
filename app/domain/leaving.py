"""Events that end a membership."""

from __future__ import annotations

from app.events import AnyLogEvent, MemberRemoved, SanctionSet, decode_log

#: The beginnings of the JSON of events that may end a membership.
_LEAVING = (b'{"kind":"member.removed"', b'{"kind":"sanction.set"')


def left(event: AnyLogEvent) -> str:
    """The user whose membership the event ends; empty for none."""
    if isinstance(event, MemberRemoved) or (
        isinstance(event, SanctionSet) and event.sanction == "ban"
    ):
        return event.user
    return ""


def leaver(event: bytes) -> str:
    """As `left`, for an event as JSON, which is decoded only if it may end a membership."""
    return left(decode_log(event)) if event.startswith(_LEAVING) else ""
