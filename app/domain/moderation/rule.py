"""What a rule is made of: what it sees, what it says, and what can be set of every one.

A rule is a file with a class `Settings`, a `Rule`, and one pure function

    judge(message: Message, facts: Facts, settings: Settings) -> Hit | None

Its file's name is what a rule set calls it by.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

from msgspec import Struct

from app.domain.moderation.folding import Folded

#: What can become of a message besides being let through, from the mildest to the strictest.
ACTIONS = ("mask", "hide", "hold", "refuse")

Action = Literal["mask", "hide", "hold", "refuse"]


class Hit(NamedTuple):
    """Why a rule catches a message: for people, what matched, and where in the original text.

    A span is (start, end) in characters, without the end; masking covers the spans.
    """

    reason: str
    matched: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


class Message:
    """What somebody wants to say; `at_ms` is when it reached moderation."""

    def __init__(
        self, room: str, by: str, text: str, *, at_ms: int = 0, attachments: int = 0
    ) -> None:
        self.room = room
        self.by = by
        self.text = text
        self.at_ms = at_ms
        self.attachments = attachments

    @cached_property
    def folded(self) -> Folded:
        """The text as it is matched."""
        return Folded(self.text)


class Facts(NamedTuple):
    """What is known of who says it.

    `role` is empty for who is no member yet, `joined_ms` is then 0 and `member` false. `times`
    are the latest of their messages to this room before this one, `texts` their digests, in the
    same order; `everywhere` the times over all rooms, `None` where that is not asked.
    """

    role: str = ""
    member: bool = True
    joined_ms: int = 0
    times: tuple[int, ...] = ()
    texts: tuple[int, ...] = ()
    everywhere: tuple[int, ...] | None = None


class Rule(Struct, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What can be set of every rule.

    `action`: what becomes of what it catches. `reason`: what people are told in place of the
    rule's own words. `exempt`: the role from which on it does not count, empty for nobody.
    `rooms`: the rooms it is for, `*` at the end for all that begin so; empty for all.
    """

    #: Whether it says where in the text, so that it can mask; whether it is about the names and
    #: topics of rooms, too; whether it looks at `times` and `texts`, which are noted only then;
    #: whether at `role`, `member` and `joined_ms`; whether at `everywhere`.
    can_mask: ClassVar[bool] = False
    of_headings: ClassVar[bool] = False
    uses_pace: ClassVar[bool] = False
    uses_members: ClassVar[bool] = False
    uses_everywhere: ClassVar[bool] = False

    name: str = ""
    action: Action = "refuse"
    reason: str = ""
    exempt: Literal["", "member", "moderator", "admin", "owner"] = ""
    rooms: tuple[str, ...] = ()

    def is_for(self, room: str) -> bool:
        """Whether the rule counts in a room."""
        if not self.rooms:
            return True
        return any(
            room.startswith(name[:-1]) if name.endswith("*") else room == name
            for name in self.rooms
        )


def at_least(name: str, value: float, least: float) -> None:
    """Raise `ValueError` where a setting is too small."""
    if value < least:
        raise ValueError(f"{name} is {value}; it takes {least} or more")
