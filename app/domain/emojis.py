"""Reactions: an emoji in one spelling, or a text that the operator allows.

The emojis are those of the library `emoji`: Unicode's list, with skin tones, flags and joined
sequences. The moderation stage asks it, once for each reaction. Later stages compare spellings
without it, so they agree whatever version of it they have.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import emoji as library

from app.domain import names

#: Allows every short text.
ANY: Final = "*"

#: What a refusal says.
REACTIONS: Final = "a reaction is an emoji, or a text that the operator allows"

_FULL: Final = library.STATUS["fully_qualified"]


def bare(text: str) -> str:
    """The text without variation selectors: two emojis that differ in nothing else are one."""
    return text.replace("\ufe0f", "").replace("\ufe0e", "")


def reaction(text: str, allowed: frozenset[str] = frozenset()) -> str | None:
    """The reaction as it is stored; `None` where it is neither an emoji nor allowed.

    An emoji has the selectors that make it one (`❤️`, not `❤`).
    """
    if (found := _emojis().get(bare(text))) is not None:
        return found
    if text in allowed or (ANY in allowed and names.emoji(text) is None):
        return text
    return None


def allowed(setting: str) -> frozenset[str]:
    """The texts of a setting, which are separated by commas."""
    return frozenset(filter(None, (text.strip() for text in setting.split(","))))


@cache
def _emojis() -> dict[str, str]:
    """Each emoji without its selectors, and in full."""
    full = (text for text, data in library.EMOJI_DATA.items() if data["status"] == _FULL)
    return {bare(text): text for text in full}
