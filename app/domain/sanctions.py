"""Mutes and bans: what somebody may not do for a while, or for good."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from app.events import Refusal

SANCTIONS: Final = ("mute", "ban")

#: The longest that a sanction with an end lasts, in seconds: ten years. Without one: for good.
LONGEST: Final = 10 * 366 * 24 * 60 * 60

REASON: Final = 500


class Sanction(Struct, frozen=True, omit_defaults=True):
    """A sanction since event `n` of a room, or everywhere; `until_ms` is 0 for good."""

    n: int
    kind: str
    until_ms: int = 0
    reason: str = ""


def holds(sanction: Sanction | None, at_ms: int) -> bool:
    """Whether it is in force at that time: a timed one lifts itself."""
    return (
        sanction is not None
        and bool(sanction.kind)
        and (not sanction.until_ms or at_ms < sanction.until_ms)
    )


def refusal_of(sanction: Sanction | None, at_ms: int, *, speaks: bool) -> Refusal | None:
    """Why somebody under a sanction does not do it; a mute is for what `speaks`."""
    if sanction is None or not holds(sanction, at_ms):
        return None
    if sanction.kind == "ban":
        return Refusal("banned", told("You are banned", sanction))
    return Refusal("muted", told("You are muted", sanction)) if speaks else None


def told(what: str, sanction: Sanction) -> str:
    """The sanction for people."""
    return f"{what}: {sanction.reason}" if sanction.reason else f"{what}."


def until(at_ms: int, seconds: int) -> int:
    """When a sanction of so many seconds ends, in milliseconds; 0 seconds: never."""
    return at_ms + seconds * 1000 if seconds else 0
