"""Messages with too many mentions."""

from __future__ import annotations

from app.domain.mentions import called
from app.domain.moderation.rule import Facts, Hit, Message, Rule, at_least


class Settings(Rule):
    """At most `most` names after an `@`."""

    most: int

    def __post_init__(self) -> None:
        at_least("most", self.most, 0)


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:  # noqa: ARG001
    """Catch a message with more mentions."""
    names = called(message.text)
    if len(names) <= settings.most:
        return None
    return Hit(f"A message names at most {settings.most} people here.", names[:10])
