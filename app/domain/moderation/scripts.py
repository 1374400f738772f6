"""Scripts with and without spaces between words."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

#: Scripts without spaces between words: Han, kana, Bopomofo, Thai, Lao, Tibetan, Myanmar, Khmer.
_RUN_ON = (
    *((0x2E80, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
    *((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xFF66, 0xFF9F)),
)


@lru_cache(20_000)
def runs_on(character: str) -> bool:
    """Whether the character is of a script without spaces between words."""
    code = ord(character)
    return any(low <= code <= high for low, high in _RUN_ON)


@lru_cache(20_000)
def joins(character: str) -> bool:
    """Whether the character joins a word beside it: a letter or mark of an alphabet."""
    return unicodedata.category(character)[0] in "LM" and not runs_on(character)


def whole(text: str, start: int, end: int) -> bool:
    """Whether the span is not part of a longer word or number."""
    return not _goes_on(text, start - 1, start) and not _goes_on(text, end, end - 1)


def _goes_on(text: str, outside: int, inside: int) -> bool:
    if not 0 <= outside < len(text):
        return False
    one, other = text[outside], text[inside]
    return (joins(other) and joins(one)) or (other.isdigit() and one.isdigit())


@lru_cache(20_000)
def script(character: str) -> str:
    """The script of a letter, by its Unicode name; empty for other characters."""
    return unicodedata.name(character, "").split(" ", 1)[0] if character.isalpha() else ""
