"""The names for moderation rules of your own.

A rule is a file with a `Settings(Rule)` and a function
`judge(message: Message, facts: Facts, settings: Settings) -> Hit | None`.
"""

from __future__ import annotations

from app.domain.moderation.rule import Facts, Hit, Message, Rule

__all__ = ["Facts", "Hit", "Message", "Rule"]
