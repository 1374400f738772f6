"""The work that a message may cost, counted in steps, because rules have no clock."""

from __future__ import annotations

from typing import Final

#: Steps for any message, and more for each of its characters. A step is a match of a phrase, which
#: costs about a microsecond. Texts that nobody made for this take less than a tenth.
STEPS: Final = 2_000
STEPS_A_CHARACTER: Final = 1


class WorkExceeded(Exception):
    """Judging the message would cost more than a message may."""


class Work:
    """The steps that are left for a message, over all rules."""

    __slots__ = ("left",)

    def __init__(self, characters: int) -> None:
        self.left = STEPS + STEPS_A_CHARACTER * characters

    def spend(self, steps: int) -> None:
        """Count steps before they are taken. Raises `WorkExceeded` where they are too many."""
        self.left -= steps
        if self.left < 0:
            raise WorkExceeded

    def grant(self, steps: int) -> int:
        """Count steps, and return how many of them there is work for."""
        granted = max(0, min(steps, self.left))
        self.left -= granted
        return granted
