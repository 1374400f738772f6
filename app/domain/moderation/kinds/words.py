"""Blocked words and phrases in any language, also in disguise."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from app.domain.moderation.lexicon import Lexicon
from app.domain.moderation.rule import Facts, Hit, Message, Rule
from app.domain.moderation.work import WorkExceeded


class Settings(Rule):
    """`words` and phrases, and `files` with one on each line; `*` at an end matches any ending."""

    words: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    can_mask: ClassVar[bool] = True
    of_headings: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("words: there are none, neither here nor in files")

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words, indexed for searching."""
        return Lexicon(self.words)


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:  # noqa: ARG001
    """Catch a message with one of the words."""
    found, is_complete = settings.lexicon.search_within(message.readings)
    # A part of the places is enough to refuse a message, but not to mask it.
    if not is_complete and (not found or settings.action == "mask"):
        raise WorkExceeded
    if not found:
        return None
    return Hit(
        "The message has a word that is blocked here.",
        tuple(dict.fromkeys(one.phrase for one in found)),
        tuple((one.start, one.end) for one in found),
    )
