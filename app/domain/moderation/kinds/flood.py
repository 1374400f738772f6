"""Too many messages, edits and reactions of a user in a room."""

from __future__ import annotations

from typing import ClassVar

from app.domain.moderation.pace import MOST, within
from app.domain.moderation.rule import Facts, Hit, Message, Rule, at_least


class Settings(Rule):
    """At most `messages` messages, edits and reactions in `seconds` seconds."""

    messages: int
    seconds: float

    is_cheap: ClassVar[bool] = True
    of_reactions: ClassVar[bool] = True
    uses_pace: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("messages", self.messages, 1)
        at_least("seconds", self.seconds, 1)
        if self.messages > MOST:
            raise ValueError(f"messages is {self.messages}; it takes {MOST} or less")


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:
    """Catch a message beyond the limit."""
    times = (*facts.times, *facts.acts)
    if within(times, message.at_ms, settings.seconds) < settings.messages:
        return None
    return Hit(f"At most {settings.messages} messages in {settings.seconds:g} s, please.")
