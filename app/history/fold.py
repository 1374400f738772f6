"""Folding of texts for searching.

As moderation folds them (app/domain/moderation/folding.py), but for upper case: there a capital may
look like another letter than its small one does, and a search makes no difference between the two.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from app.domain.moderation.folding import folded_character

_SPACES: Final = re.compile("  +")


class _Table(dict[int, str]):
    """The folded form of each character, computed when it is first used; for `str.translate`."""

    def __missing__(self, code: int) -> str:
        found = self[code] = folded_character(chr(code))
        return found


_TABLE: Final = _Table()
#: The same of ASCII, by bytes, at a tenth of the time: what becomes a character, what is dropped.
_ASCII: Final = "".join(_TABLE[code] or "\0" for code in range(128)).encode() + bytes(128)
_DROPPED: Final = bytes(code for code in range(128) if not _TABLE[code])


def fold(text: str) -> str:
    """The text without the differences that a search ignores.

    Case (`Straße` is `STRASSE`), variants of a character (full-width letters), accents of Latin,
    Greek and Cyrillic letters, letters that look like Latin ones, traditional Chinese; invisible
    characters (soft hyphens, joiners, U+200B), and how spaces, `-` and `_` follow one another. It
    has no control characters and no lone surrogates, which databases don't take.

    Not done by the databases, whose case rules depend on their locale, so that every store finds
    the same.
    """
    if text.isascii():
        found = text.encode().translate(_ASCII, _DROPPED).decode()
    else:
        lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        # Composed again: of what was dropped, the characters before and behind may be one.
        found = unicodedata.normalize("NFKC", lower.translate(_TABLE))
    return _SPACES.sub(" ", found) if "  " in found else found
