"""Messages that are too long, in characters or in lines."""

from __future__ import annotations

from typing import ClassVar

from app.domain.moderation.rule import Facts, Hit, Message, Rule, at_least


class Settings(Rule):
    """At most `characters` characters and `lines` lines; 0: no limit."""

    characters: int = 0
    lines: int = 0

    is_cheap: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("characters", self.characters, 0)
        at_least("lines", self.lines, 0)
        if not self.characters and not self.lines:
            raise ValueError("length: give characters, or lines, or both")


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:  # noqa: ARG001
    """Catch a message beyond the limits."""
    lines = message.text.count("\n") + 1
    if settings.characters and len(message.text) > settings.characters:
        return Hit(f"A message has at most {settings.characters} characters here.")
    if settings.lines and lines > settings.lines:
        return Hit(f"A message has at most {settings.lines} lines here.")
    return None
