"""Finding the words and phrases of a list in a text, also in disguise.

The time is in proportion to the text and to the number of matches. The matches are counted as work,
because phrases that contain each other can match many times at each place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from app.domain.moderation.disguises import leet, squeezed
from app.domain.moderation.folding import Folded, folded
from app.domain.moderation.readings import Readings, Words
from app.domain.moderation.scripts import whole
from app.domain.moderation.work import Work, WorkExceeded


class Found(NamedTuple):
    """A phrase of the list and its place in the original text, without `end`."""

    phrase: str
    start: int
    end: int


class _Entry(NamedTuple):
    phrase: str
    folded: str
    open_start: bool
    open_end: bool
    #: The folded form, and those of the phrase in capitals: of some letters, such as `Б`, the
    #: capital looks like another letter than the small one, and folds otherwise.
    forms: tuple[str, ...]


#: Entries with a span of the original text.
_Places = Iterator[tuple[_Entry, tuple[int, int]]]

#: The most forms of one automaton that can end at one place. It bounds the matches of one search.
_DEPTH = 8


class _Index:
    """Automata over one form of the entries."""

    def __init__(self, forms: Iterable[tuple[str, _Entry]]) -> None:
        #: The entries of each form.
        self.entries: dict[str, list[_Entry]] = {}
        for form, entry in forms:
            if form:
                self.entries.setdefault(form, []).append(entry)
        self._layers = [
            (AhoCorasick(layer, store_patterns=False), [self.entries[form] for form in layer])
            for layer in _layers(self.entries)
        ]

    def search(self, words: Words, work: Work) -> Iterator[tuple[_Entry, int, int]]:
        """The entries that are in the text as whole words, or within Han characters."""
        text = words.text
        for automaton, entries in self._layers:
            work.spend(1 + (len(text) >> 8))
            matches = automaton.find_matches_as_indexes(text, overlapping=True)
            if not matches:
                continue
            widened: set[tuple[str, int, int]] = set()
            granted = work.grant(len(matches))
            for which, start, end in matches[:granted]:
                same = entries[which]
                if len(same) > 1:
                    work.spend(len(same) - 1)
                for entry in same:
                    left = words.begin(start) if entry.open_start else start
                    right = words.finish(end) if entry.open_end else end
                    if left < start or end < right:
                        # Each match within one word gives the same span.
                        if (entry.phrase, left, right) in widened:
                            continue
                        widened.add((entry.phrase, left, right))
                    if whole(text, left, right):
                        yield entry, left, right
            if granted < len(matches):
                raise WorkExceeded


def _layers(forms: Iterable[str]) -> list[list[str]]:
    """The forms in layers: in each, at most `_DEPTH` of them are endings of one another."""
    layers: dict[int, list[str]] = {}
    endings: list[str] = []
    for backwards in sorted(form[::-1] for form in forms):
        while endings and not backwards.startswith(endings[-1]):
            endings.pop()
        layers.setdefault(len(endings) // _DEPTH, []).append(backwards[::-1])
        endings.append(backwards)
    return list(layers.values())


class Lexicon:
    """Words and phrases in any language; `*` at an end stands for the rest of a word."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._entries = [entry for entry in map(_entry, dict.fromkeys(phrases)) if entry.folded]
        self._plain = _Index((form, entry) for entry in self._entries for form in entry.forms)

    def __len__(self) -> int:
        return len(self._entries)

    @cached_property
    def _leet(self) -> _Index:
        return _Index((leet(e.folded), e) for e in self._entries if e.folded.isascii())

    @cached_property
    def _squeezed(self) -> _Index:
        return _Index((squeezed(e.folded), e) for e in self._entries if e.folded.isascii())

    @cached_property
    def _words(self) -> dict[str, _Entry]:
        return {e.folded: e for e in self._entries if e.folded.isalpha()}

    def search(self, original: str, text: Folded) -> list[Found]:
        """The phrases found, in the order of the text, each span once.

        Raises `WorkExceeded` where they are too many.
        """
        found, is_complete = self.search_within(Readings(original, text))
        if not is_complete:
            raise WorkExceeded
        return found

    def search_within(self, readings: Readings) -> tuple[list[Found], bool]:
        """The phrases found, and whether the work was enough to find all of them."""
        found: set[tuple[tuple[int, int], str]] = set()
        is_complete = True
        try:
            for entry, span in self._search(readings):
                if not (entry.folded.isascii() and readings.is_native(*span)):
                    found.add((span, entry.phrase))
        except WorkExceeded:
            is_complete = False
        if not found:
            return [], is_complete
        return [Found(phrase, *span) for span, phrase in sorted(found)], is_complete

    def _search(self, readings: Readings) -> _Places:
        text, work = readings.folded, readings.work
        for entry, start, end in self._plain.search(readings.plain, work):
            if not _continues(text.text, end):
                yield entry, text.span(start, end)
        if (signs := readings.leet) is not None:
            for entry, start, end in self._leet.search(signs, work):
                if readings.is_leet(start, end):
                    yield entry, text.span(start, end)
        if readings.squeezed is not None:
            yield from self._drawn(readings, *readings.squeezed, work)
        if readings.spelled:
            yield from self._spelled(readings, work)
        if readings.tight is not None:
            words, reading = readings.tight
            yield from ((e, reading.span(s, t)) for e, s, t in self._plain.search(words, work))
        if readings.rejoined:
            work.spend(len(readings.rejoined) >> 3)
            known = self._words
            for word, start, end in readings.rejoined:
                if (whole_word := known.get(word)) is not None:
                    yield whole_word, text.span(start, end)

    def _drawn(self, readings: Readings, words: Words, kept: list[int], work: Work) -> _Places:
        text = readings.folded
        for entry, start, end in self._squeezed.search(words, work):
            first = kept[start]
            behind = kept[end] if end < len(kept) else len(text.text)
            if readings.is_drawn(first, behind):
                yield entry, text.span(first, behind)

    def _spelled(self, readings: Readings, work: Work) -> _Places:
        """Phrases that are a whole run of letters, or all behind `a`: not hell in `h e l l o`."""
        work.spend(len(readings.spelled) >> 2)
        for run, signs in readings.spelled:
            size = len(run.text)
            behind_a = size > 4 and run.text[0] == "a"
            for index, form in ((self._plain, run.text), (self._leet, signs)):
                for entry in index.entries.get(form, ()):
                    yield entry, run.span(0, size)
                if behind_a:
                    for entry in index.entries.get(form[1:], ()):
                        yield entry, run.span(1, size)


def _entry(phrase: str) -> _Entry:
    phrase = phrase.strip()
    bare = phrase.strip("*").strip()
    form = folded(bare).strip()
    ends = phrase.startswith("*"), phrase.endswith("*")
    return _Entry(phrase, form, *ends, (form, *_in_capitals(bare, form)))


def _in_capitals(bare: str, form: str) -> Iterable[str]:
    if bare.isascii():
        return ()
    cased = (bare.lower(), bare.capitalize(), bare.upper())
    others = dict.fromkeys(folded(one).strip() for one in cased)
    # One in ASCII alone would be found in Latin words, which the phrase does not mean.
    return [one for one in others if one != form and not one.isascii()]


def _continues(text: str, end: int) -> bool:
    """Whether the word continues with a digit for a vowel: `hell0` is not hell."""
    return text[end : end + 1] in {"0", "3", "4"} and not text[end + 1 : end + 2].isalnum()
