"""Mutes and bans, for a time or for good."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    ChangeRoom,
    CreateRoom,
    EditMessage,
    Refusal,
    SendMessage,
)

SANCTIONS: Final = ("mute", "ban")

#: The most seconds of a sanction with an end: ten years.
LONGEST: Final = 10 * 366 * 24 * 60 * 60

REASON: Final = 500


class Sanction(Struct, frozen=True, omit_defaults=True):
    """A sanction since event `n` of a room, or everywhere; `until_ms` is 0 if it has no end."""

    n: int
    kind: str
    until_ms: int = 0
    reason: str = ""


def holds(sanction: Sanction | None, at_ms: int) -> bool:
    """Whether the sanction is in force at that time."""
    return (
        sanction is not None
        and bool(sanction.kind)
        and (not sanction.until_ms or at_ms < sanction.until_ms)
    )


def refusal_of(sanction: Sanction | None, at_ms: int, *, speaks: bool) -> Refusal | None:
    """The refusal for a user under a sanction; a mute forbids only what `speaks`."""
    if sanction is None or not holds(sanction, at_ms):
        return None
    if sanction.kind == "ban":
        return Refusal("banned", describe("You are banned", sanction))
    return Refusal("muted", describe("You are muted", sanction)) if speaks else None


def speaks(command: AnyCommand) -> bool:
    """Whether others read or hear from the user by it: this is what a mute forbids.

    Opening a room and adding a member bring a room to somebody, as a direct room does; joining
    brings nothing to read, and removing takes something away.
    """
    match command:
        case SendMessage() | EditMessage() | AddReaction() | CreateRoom():
            return True
        case ChangeRoom():
            return command.name is not None or command.topic is not None
        case AddMember():
            return command.user != command.by
    return False


def describe(what: str, sanction: Sanction) -> str:
    """The sanction as a sentence."""
    return f"{what}: {sanction.reason}" if sanction.reason else f"{what}."


def until(at_ms: int, seconds: int) -> int:
    """The end of a sanction of so many seconds, in milliseconds; 0 for 0 seconds: never."""
    return at_ms + seconds * 1000 if seconds else 0
