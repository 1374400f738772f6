"""The readings of a text that are searched for phrases, each made once for all rules.

Everything here takes time in proportion to the text, however often its spans are asked about.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate

from app.domain.moderation.disguises import (
    drawn_places,
    is_disguised,
    is_drawn,
    is_leet,
    is_leet_by,
    is_sign,
    leet,
    rejoined,
    spelled,
    undrawn,
    unparted,
)
from app.domain.moderation.folding import Folded
from app.domain.moderation.scripts import joins, script
from app.domain.moderation.work import Work

#: Spans of up to so many characters are looked at directly; counts are prepared for longer ones.
_SHORT = 64


class Words:
    """A text to be searched, with the bounds of its words."""

    _begins: list[int] | None = None
    _ends: list[int] | None = None

    def __init__(self, text: str) -> None:
        self.text = text

    def begin(self, start: int) -> int:
        """The beginning of the word that goes on at `start`."""
        begins = self._begins
        return (self._bound()[0] if begins is None else begins)[start]

    def finish(self, end: int) -> int:
        """The end of the word that goes on at `end`."""
        ends = self._ends
        return (self._bound()[1] if ends is None else ends)[end]

    def _bound(self) -> tuple[list[int], list[int]]:
        joining = [joins(character) for character in self.text]
        begins, ends = [0], [len(self.text)]
        for place, joined in enumerate(joining, 1):
            begins.append(begins[-1] if joined else place)
        for place in range(len(joining) - 1, -1, -1):
            ends.append(ends[-1] if joining[place] else place)
        ends.reverse()
        self._begins, self._ends = begins, ends
        return begins, ends


class Readings:
    """A text as it is, and with the disguises removed that it may have.

    `original` is the text as it was sent, `folded` its folded form, `work` what searching them may
    still cost. `leet` has signs as letters. `squeezed` has each repeated letter once, with its
    places. `spelled` are runs of single characters, each also with signs as letters. `tight` has no
    separators between Han characters. `rejoined` are words that are cut by a space, with their
    places. A reading is `None`, or empty, for a text without its disguise.
    """

    squeezed: tuple[Words, list[int]] | None = None
    _counted: tuple[list[int], list[int], list[int]] | None = None
    _drawn: list[int] | None = None
    _scripts: _Scripts | None = None

    def __init__(self, original: str, folded: Folded) -> None:
        text = folded.text
        self.original = original
        self.folded = folded
        self.work = Work(len(text))
        self.plain = Words(text)
        self.leet = Words(leet(text)) if is_disguised(text) else None
        if is_drawn(text):
            kept = undrawn(text)
            self.squeezed = Words("".join(text[place] for place in kept)), kept
        self.spelled = [(run, leet(run.text)) for run in spelled(folded)]
        tight = unparted(folded)
        self.tight = None if tight is None else (Words(tight.text), tight)
        self.rejoined = list(rejoined(folded))

    def is_leet(self, start: int, end: int) -> bool:
        """Whether the span of the folded text is a word in disguise."""
        if end - start <= _SHORT:
            return is_leet(self.folded.text[start:end])
        if self._counted is None:
            self._counted = _counts(self.folded.text)
        letters, signs, digits = (counts[end] - counts[start] for counts in self._counted)
        return is_leet_by(letters, signs, digits, end - start)

    def is_drawn(self, start: int, end: int) -> bool:
        """Whether the span of the folded text has a letter that is drawn out."""
        if self._drawn is None:
            self._drawn = drawn_places(self.folded.text)
        nearest = bisect_left(self._drawn, start)
        return nearest < len(self._drawn) and self._drawn[nearest] + 3 <= end

    def is_native(self, start: int, end: int) -> bool:
        """Whether the span of the original is of one alphabet that is not Latin, among more of it.

        A Latin phrase was not meant there: its letters only look like those.
        """
        if self.original.isascii():
            return False
        if self._scripts is None:
            self._scripts = _Scripts(self.original)
        return self._scripts.is_native(start, end)


def _counts(text: str) -> tuple[list[int], list[int], list[int]]:
    """The letters, signs and digits before each place."""
    return (
        [0, *accumulate(map(str.isalpha, text))],
        [0, *accumulate(map(is_sign, text))],
        [0, *accumulate(map(str.isdigit, text))],
    )


class _Scripts:
    """The scripts of a text's letters."""

    def __init__(self, text: str) -> None:
        self._scripts = [script(character) for character in text]
        self._letters = [0, *accumulate(map(bool, self._scripts))]
        self._all = Counter(self._scripts)
        #: The place of the first letter from a place on, and of the first of another script.
        self._first, self._other = [len(text)], [len(text)]
        for place in range(len(text) - 1, -1, -1):
            self._step(place)
        self._first.reverse()
        self._other.reverse()

    def _step(self, place: int) -> None:
        first, other = self._first[-1], self._other[-1]
        if self._scripts[place]:
            if first < len(self._scripts) and self._scripts[first] != self._scripts[place]:
                other = first
            first = place
        self._first.append(first)
        self._other.append(other)

    def is_native(self, start: int, end: int) -> bool:
        first = self._first[start]
        if first >= end or self._other[start] < end or self._scripts[first] == "LATIN":
            return False
        within = self._letters[end] - self._letters[start]
        return self._all[self._scripts[first]] > within
