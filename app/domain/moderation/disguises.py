"""Readings of a folded text with disguises removed.

A reading is made only for a text with the disguise in question, so most messages are searched once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.domain.moderation.folding import Reading

#: Signs for letters. `l` is read as `i`, because `1`, `|` and `!` can be either.
_LETTERS: Final = {
    **{"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g"},
    **{"$": "s", "@": "a", "\u20ac": "e", "\u00a3": "i", "!": "i", "|": "i", "+": "t", "l": "i"},
}
_LEET: Final = str.maketrans(_LETTERS)
_DISGUISED: Final = re.compile(r"[a-z][0-9$@\u20ac\u00a3!|+]|[$@\u20ac\u00a3!|+0-9][a-z]|[$@]{2}")
#: Between letters these stand for a letter; behind a word they end a sentence.
_ENDS: Final = re.compile(r"[!|+](?![a-z0-9$@])|(?<![a-z0-9$@])[!|+]")
_SIGNS: Final = frozenset("$@\u20ac\u00a3!|+")

_DRAWN: Final = re.compile(r"([a-z])\1\1")
_DRAWN_PLACES: Final = re.compile(r"([a-z])(?=\1\1)")
_TWICE: Final = re.compile(r"([a-z])\1+")

_SPELLED: Final = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]{1,3}[^\W_](?![^\W_'\u2019])){1,}")
_HAN: Final = r"\u3400-\u9fff\u3105-\u312f"
_PARTED: Final = re.compile(rf"(?<=[{_HAN}])[ .*\u00b7~|/+^]+(?=[{_HAN}])")
_TOKEN: Final = re.compile(r"[a-z]+(?:['\u2019][a-z]+)*")
_VOWEL: Final = re.compile(r"[aeiouy]")


def leet(text: str) -> str:
    """The text with signs replaced by letters; its length stays."""
    return _ENDS.sub(lambda found: " " * len(found[0]), text).translate(_LEET)


def is_disguised(text: str) -> bool:
    """Whether a sign in the text may stand for a letter."""
    return _DISGUISED.search(text) is not None


def is_leet(written: str) -> bool:
    """Whether this is a word in disguise, not a number or model such as A55, 455, A5S."""
    letters = sum(character.isalpha() for character in written)
    signs = sum(character in _SIGNS for character in written)
    digits = sum(character.isdigit() for character in written)
    return is_leet_by(letters, signs, digits, len(written))


def is_leet_by(letters: int, signs: int, digits: int, size: int) -> bool:
    """`is_leet` of a span with so many letters, signs, digits and characters."""
    return signs > 0 or (digits > 0 and letters > 1 and size > 3)


def is_sign(character: str) -> bool:
    """Whether the character is a sign, not a digit, that stands for a letter."""
    return character in _SIGNS


def squeezed(text: str) -> str:
    """The text with each repeated letter once."""
    return _TWICE.sub(r"\1", text)


def is_drawn(text: str) -> bool:
    """Whether a letter is repeated three times or more."""
    return _DRAWN.search(text) is not None


def drawn_places(text: str) -> list[int]:
    """The places from which on a letter is there three times."""
    return [found.start() for found in _DRAWN_PLACES.finditer(text)]


def undrawn(text: str) -> list[int]:
    """The places of a text that are left when each repeated letter is there once."""
    return [i for i, c in enumerate(text) if not (i and c == text[i - 1] and "a" <= c <= "z")]


def spelled(reading: Reading) -> Iterator[Reading]:
    """Runs of single characters with separators, such as `w o r d` or `w.o.r.d`."""
    for found in _SPELLED.finditer(reading.text):
        kept = [i for i in range(*found.span()) if reading.text[i].isalnum() or _sign(reading, i)]
        yield reading.cut(kept)


def _sign(reading: Reading, place: int) -> bool:
    return reading.text[place] in "$@"


def unparted(reading: Reading) -> Reading | None:
    """Han characters without separators; `None` if there are none."""
    parted = [range(*found.span()) for found in _PARTED.finditer(reading.text)]
    if not parted:
        return None
    dropped = {place for places in parted for place in places}
    return reading.cut([i for i in range(len(reading.text)) if i not in dropped])


def rejoined(reading: Reading) -> Iterator[tuple[str, int, int]]:
    """Words that are cut by a space, such as `wo rd`, each with its place.

    A part of them must be a single letter or have no vowel, so that it is not a word itself:
    otherwise `the pen is mine` would be caught.
    """
    tokens = [found.span() for found in _TOKEN.finditer(reading.text)]
    text = reading.text
    bare = [e - s == 1 or not _VOWEL.search(text, s, e) for s, e in tokens]
    for first in range(len(tokens) - 1):
        if True not in bare[first : first + 4]:
            continue
        joined = text[slice(*tokens[first])]
        for last in range(first + 1, min(first + 4, len(tokens))):
            if text[tokens[last - 1][1] : tokens[last][0]] not in {" ", ".", "*"}:
                break
            joined += text[slice(*tokens[last])]
            if len(joined) < 4 or len(joined) == last - first + 1:  # all single: `spelled` has it
                continue
            if any(bare[first : last + 1]):
                yield joined, tokens[first][0], tokens[last][1]
