"""Limits for users who have just joined a room."""

from __future__ import annotations

from typing import ClassVar

from app.domain.mentions import called
from app.domain.moderation.link_hosts import links
from app.domain.moderation.pace import within
from app.domain.moderation.rule import Facts, Hit, Message, Rule, at_least


class Settings(Rule):
    """For `minutes` minutes after joining: whether `links`, `attachments`, `mentions` are allowed.

    `messages` is the most messages in a minute; 0: no limit.
    """

    minutes: float
    links: bool = False
    attachments: bool = False
    mentions: bool = True
    messages: int = 0

    uses_pace: ClassVar[bool] = True
    uses_members: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least("minutes", self.minutes, 0)
        at_least("messages", self.messages, 0)


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:
    """Catch a message that newcomers may not send."""
    if facts.member and message.at_ms - facts.joined_ms >= settings.minutes * 60_000:
        return None
    barred = _barred(message, facts, settings)
    return Hit(f"Who has just joined {barred}.") if barred else None


def _barred(message: Message, facts: Facts, settings: Settings) -> str:
    if not settings.links and any(link.is_sure for link in links(message.text)):
        return "can't post links yet"
    if not settings.attachments and message.attachments:
        return "can't attach files yet"
    if not settings.mentions and called(message.text):
        return "can't mention people yet"
    if settings.messages and within(facts.times, message.at_ms, 60) >= settings.messages:
        return f"sends at most {settings.messages} messages a minute"
    return ""
