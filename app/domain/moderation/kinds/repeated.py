"""Repetitions of the same text."""

from __future__ import annotations

from typing import ClassVar

from app.domain.moderation.pace import MOST, digest
from app.domain.moderation.rule import Facts, Hit, Message, Rule, at_least


class Settings(Rule):
    """The same text at most `times` times within `seconds` seconds; case is ignored."""

    times: int = 2
    seconds: float = 60

    is_cheap: ClassVar[bool] = True
    uses_pace: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("times", self.times, 1)
        at_least("seconds", self.seconds, 1)
        if self.times > MOST:
            raise ValueError(f"times is {self.times}; it takes {MOST} or less")


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:
    """Catch a repetition beyond the limit."""
    if not facts.texts or not message.text.strip():
        return None
    this = digest(message.folded.text)
    since = message.at_ms - settings.seconds * 1000
    before = zip(facts.times, facts.texts, strict=True)
    if sum(text == this and at_ms > since for at_ms, text in before) < settings.times:
        return None
    return Hit("You have said that already.")
