"""The parts of a rule: its input, its result, and the settings of every rule.

A rule is a file with a class `Settings`, a `Rule`, and one pure function

    judge(message: Message, facts: Facts, settings: Settings) -> Hit | None

Rule sets refer to it by the name of its file.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

from msgspec import Struct

from app.domain.moderation.folding import Folded
from app.domain.moderation.readings import Readings

#: The actions of rules, from the mildest to the strictest.
ACTIONS = ("mask", "hide", "hold", "refuse")

Action = Literal["mask", "hide", "hold", "refuse"]


class Hit(NamedTuple):
    """Why a rule catches a message: a reason for people, the matches, and their places.

    A span is (start, end) in characters of the original text, without the end; masking covers
    the spans.
    """

    reason: str
    matched: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


class Message:
    """A message to be judged; `at_ms` is when it reached moderation."""

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
        """The folded text, for matching."""
        return Folded(self.text)

    @cached_property
    def readings(self) -> Readings:
        """The readings of the text without disguises, which all rules share."""
        return Readings(self.text, self.folded)


class Facts(NamedTuple):
    """Facts about the author of a message.

    For a user who is not a member yet `role` is empty, `joined_ms` 0 and `member` false. `times`
    are those of the latest earlier messages to this room, and `texts` their digests, in the same
    order; `everywhere` are the times over all rooms, or `None` where they are not known. `acts` are
    the times of the latest earlier edits and reactions in this room.
    """

    role: str = ""
    member: bool = True
    joined_ms: int = 0
    times: tuple[int, ...] = ()
    texts: tuple[int, ...] = ()
    everywhere: tuple[int, ...] | None = None
    acts: tuple[int, ...] = ()


class Rule(Struct, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The settings of every rule.

    `action`: what happens to a message that it catches. `reason`: the reason for people, in place
    of the rule's own. `exempt`: the least role that is exempt, empty for none. `rooms`: the rooms
    that it applies to, with `*` at the end for a prefix; empty for all.
    """

    #: Whether it gives spans, so that it can mask; whether it applies to all other texts that
    #: members see, such as names and topics of rooms; whether it applies to reactions because of
    #: their pace; whether it uses `times` and `texts`, which are recorded only then; whether it
    #: uses `role`, `member` and `joined_ms`; whether it uses `everywhere`; whether it does not
    #: search the text, so that it is asked before others.
    can_mask: ClassVar[bool] = False
    of_headings: ClassVar[bool] = False
    of_reactions: ClassVar[bool] = False
    uses_pace: ClassVar[bool] = False
    uses_members: ClassVar[bool] = False
    uses_everywhere: ClassVar[bool] = False
    is_cheap: ClassVar[bool] = False

    name: str = ""
    action: Action = "refuse"
    reason: str = ""
    exempt: Literal["", "member", "moderator", "admin", "owner"] = ""
    rooms: tuple[str, ...] = ()

    def is_for(self, room: str) -> bool:
        """Whether the rule applies to a room."""
        if not self.rooms:
            return True
        return any(
            room.startswith(name[:-1]) if name.endswith("*") else room == name
            for name in self.rooms
        )


def at_least(name: str, value: float, least: float) -> None:
    """Raise `ValueError` for a setting that is too small."""
    if value < least:
        raise ValueError(f"{name} is {value}; it takes {least} or more")
