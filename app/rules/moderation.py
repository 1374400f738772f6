"""Whether a command may go on: the first of the three stages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import Pattern

from msgspec import Struct

from app.events import AnyCommand, EditMessage, Refusal, SendMessage


class Policy(Struct, frozen=True):
    """What moderation goes by: the longest text in characters, and what is blocked in it."""

    text_limit: int
    blocked: Pattern[str] | None = None


def policy(text_limit: int, blocked_words: Iterable[str]) -> Policy:
    """A policy from a list of words and phrases, matched as whole words in any case."""
    words = sorted({word.strip() for word in blocked_words} - {""}, key=len, reverse=True)
    if not words:
        return Policy(text_limit)
    choices = "|".join(re.escape(word) for word in words)
    return Policy(text_limit, re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE))


def moderate(command: AnyCommand, policy: Policy) -> Refusal | None:
    """Why the command is refused, or `None` where it may go on."""
    if not isinstance(command, SendMessage | EditMessage):
        return None
    attached = isinstance(command, SendMessage) and command.attachments
    if not command.text.strip() and not attached:
        return Refusal("text_empty", "A message needs text, or something attached.")
    if len(command.text) > policy.text_limit:
        return Refusal(
            "text_too_long",
            f"A message has at most {policy.text_limit} characters; this has {len(command.text)}.",
        )
    if policy.blocked is not None and policy.blocked.search(command.text):
        return Refusal("blocked", "The message has a word that is blocked here.")
    return None
