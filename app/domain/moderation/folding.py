"""Folding of texts for matching, with the place of each folded character in the original.

NFKC and case folding; invisible characters dropped; look-alikes by Unicode's confusables; accents
removed from Latin, Greek and Cyrillic letters; traditional Chinese as simplified; any run of
spaces, `-` and `_` as one space. Other marks stay: in Thai, Devanagari or Japanese they distinguish
words.
"""

from __future__ import annotations

import unicodedata
from functools import cache, cached_property
from importlib.resources import files
from typing import Final

import opencc

_SPACES: Final = frozenset("-_\u2010\u2011\u2013\u2014\u2800\u3164\uffa0\u115f\u1160")
_DROPPED: Final = frozenset({"Cf", "Cc", "Cs"})


def _accent(code: int) -> bool:
    return 0x300 <= code <= 0x36F or 0x1AB0 <= code <= 0x1AFF or 0x1DC0 <= code <= 0x1DFF


def _selector(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x20D0 <= code <= 0x20FF


@cache
def look_alikes() -> dict[str, str]:
    """The characters that look like an ASCII letter, each with that letter in lower case."""
    found: dict[str, str] = {}
    source = files("app.domain.moderation").joinpath("look_alikes.txt").read_text("utf-8")
    for line in source.splitlines():
        if not line.startswith("#"):
            letter, others = line.split(" ", 1)
            found |= dict.fromkeys(others, letter)
    return found


def _simplified() -> dict[str, str]:
    """Traditional characters with their simplified ones; one call, as each has a setup cost."""
    han = "".join(map(chr, (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))))
    converted = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    return {one: other for one, other in zip(han, converted, strict=True) if one != other}


class _Fold(dict[str, str]):
    """The folded form of each character, computed when it is first used."""

    def __init__(self) -> None:
        super().__init__()
        self._alike = look_alikes()
        self._simplified = _simplified()

    def __missing__(self, character: str) -> str:
        folded = self._fold(character)
        self[character] = folded
        return folded

    def _fold(self, character: str) -> str:
        if character in _SPACES or character.isspace():
            return " "
        if (alike := self._like(character)) is not None:
            return alike
        return "".join(
            self._one(part)
            for part in unicodedata.normalize("NFKC", character)
            if unicodedata.category(part) not in _DROPPED
        )

    def _one(self, character: str) -> str:
        if character.isspace():
            return " "
        if (alike := self._like(character)) is not None:
            return alike
        base, *marks = list(unicodedata.normalize("NFD", character))
        if _accent(ord(base)) or _selector(ord(base)):
            return ""
        if marks and all(_accent(ord(mark)) for mark in marks):
            return self._like(base) or base.casefold()
        return self._simplified.get(character) or character.casefold()

    def _like(self, character: str) -> str | None:
        found = self._alike.get(character)
        if found is None or (found == "l" and character.isupper()):
            return self._alike.get(character.casefold(), found)
        return found


_FOLD: Final = _Fold()


def folded_character(character: str) -> str:
    """The folded form of one character, which may be empty."""
    return _FOLD[character]


def parts(text: str) -> list[str]:
    """The folded form of each character of the text; of several spaces the first stays."""
    found = [_FOLD[character] for character in text]
    if "  " in "".join(found):
        before = ""
        for place, part in enumerate(found):
            if part == before == " ":
                found[place] = ""
            before = part or before
    return found


def folded(text: str) -> str:
    """The folded text alone: for phrases, domains and comparing."""
    return "".join(parts(text))


class Reading:
    """A text to be searched, derived from another one, with the places of its characters there."""

    def __init__(self, text: str, places: list[int]) -> None:
        self.text = text
        self._places = places

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original for a span of this text; both without the end."""
        return self._places[start], self._places[end - 1] + 1

    def cut(self, places: list[int]) -> Reading:
        """The characters at these places alone."""
        return Reading("".join(self.text[i] for i in places), [self._places[i] for i in places])


class Folded(Reading):
    """The folded form of a text; the places are computed only if something was found."""

    def __init__(self, original: str) -> None:
        self._parts = parts(original)
        self.text = "".join(self._parts)

    @cached_property
    def _places(self) -> list[int]:  # type: ignore[override]
        return [place for place, part in enumerate(self._parts) for _ in part]
