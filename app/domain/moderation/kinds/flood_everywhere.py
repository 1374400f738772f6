"""Too much that a user writes over all rooms, for which the user is muted everywhere."""

from __future__ import annotations

from typing import ClassVar

from app.domain.moderation.pace import MOST, within
from app.domain.moderation.rule import Facts, Hit, Message, Rule, at_least


class Settings(Rule):
    """At most `messages` of all that is written in `seconds` seconds; else a mute for `mute`."""

    messages: int
    seconds: float
    mute: int = 60

    is_cheap: ClassVar[bool] = True
    uses_everywhere: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("messages", self.messages, 1)
        at_least("seconds", self.seconds, 1)
        at_least("mute", self.mute, 1)
        if self.messages >= MOST:
            raise ValueError(f"messages is {self.messages}; it takes less than {MOST}")


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:
    """Catch a message beyond the limit; only in the agent that gets all messages of a user."""
    if facts.everywhere is None:
        return None
    if within(facts.everywhere, message.at_ms, settings.seconds) < settings.messages:
        return None
    return Hit(f"At most {settings.messages} messages in {settings.seconds:g} s, please.")
