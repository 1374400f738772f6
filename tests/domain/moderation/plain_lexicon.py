"""The plain search for phrases, which looks at every span by itself: slow for some texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from app.domain.moderation.disguises import (
    is_disguised,
    is_drawn,
    is_leet,
    leet,
    rejoined,
    spelled,
    squeezed,
    undrawn,
    unparted,
)
from app.domain.moderation.folding import Folded, Reading, folded
from app.domain.moderation.scripts import joins, script, whole


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


class _Index:
    """An automaton over one form of the entries."""

    def __init__(self, forms: Iterable[tuple[str, _Entry]]) -> None:
        kept = [(form, entry) for form, entry in forms if form]
        self._entries = [entry for _, entry in kept]
        self._automaton = AhoCorasick([form for form, _ in kept], store_patterns=False)

    def search(self, text: str) -> Iterator[tuple[_Entry, int, int]]:
        """The entries that are in the text as whole words, or within Han characters."""
        for entry, start, end in self.parts(text):
            left = start if not entry.open_start else _begin(text, start)
            right = end if not entry.open_end else _finish(text, end)
            if whole(text, left, right):
                yield entry, left, right

    def parts(self, text: str) -> Iterator[tuple[_Entry, int, int]]:
        """The entries that are in the text, also within words."""
        for which, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            yield self._entries[which], start, end


def _begin(text: str, start: int) -> int:
    while start and joins(text[start - 1]):
        start -= 1
    return start


def _finish(text: str, end: int) -> int:
    while end < len(text) and joins(text[end]):
        end += 1
    return end


class Lexicon:
    """Words and phrases in any language; `*` at an end stands for the rest of a word."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._entries = [entry for entry in map(_entry, dict.fromkeys(phrases)) if entry.folded]
        self._plain = _Index(
            (form, entry) for entry in self._entries for form in _forms(entry.phrase, entry.folded)
        )

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
        """The phrases found, in the order of the text, each span once."""
        found = {
            (span, entry.phrase)
            for entry, span in self._search(text)
            if not _native(original, span, entry.folded)
        }
        return [Found(phrase, *span) for span, phrase in sorted(found)]

    def _search(self, text: Folded) -> Iterator[tuple[_Entry, tuple[int, int]]]:
        for entry, start, end in self._plain.search(text.text):
            if not _continues(text.text, end):
                yield entry, text.span(start, end)
        if is_disguised(text.text):
            for entry, start, end in self._leet.search(leet(text.text)):
                if is_leet(text.text[start:end]):
                    yield entry, text.span(start, end)
        if is_drawn(text.text):
            yield from self._drawn(text)
        for run in spelled(text):
            yield from self._spelled(run)
        if (tight := unparted(text)) is not None:
            yield from ((e, tight.span(s, t)) for e, s, t in self._plain.search(tight.text))
        for word, start, end in rejoined(text):
            if (known := self._words.get(word)) is not None:
                yield known, text.span(start, end)

    def _drawn(self, text: Folded) -> Iterator[tuple[_Entry, tuple[int, int]]]:
        kept = undrawn(text.text)
        for entry, start, end in self._squeezed.search("".join(text.text[i] for i in kept)):
            first = kept[start]
            behind = kept[end] if end < len(kept) else len(text.text)
            if is_drawn(text.text[first:behind]):
                yield entry, text.span(first, behind)

    def _spelled(self, run: Reading) -> Iterator[tuple[_Entry, tuple[int, int]]]:
        """Phrases that are a whole run of letters, or all behind `a`: not hell in `h e l l o`."""
        size = len(run.text)
        for index, form in ((self._plain, run.text), (self._leet, leet(run.text))):
            for entry, start, end in index.parts(form):
                behind_a = start == 1 and size > 4 and run.text[0] == "a"
                if end == size and (start == 0 or behind_a):
                    yield entry, run.span(start, end)


def _entry(phrase: str) -> _Entry:
    phrase = phrase.strip()
    bare = phrase.strip("*").strip()
    return _Entry(phrase, folded(bare).strip(), phrase.startswith("*"), phrase.endswith("*"))


def _forms(phrase: str, form: str) -> set[str]:
    bare = phrase.strip().strip("*").strip()
    cased = {folded(one).strip() for one in (bare.lower(), bare.capitalize(), bare.upper())}
    return {form} | {one for one in cased if not one.isascii() and not bare.isascii()}


def _continues(text: str, end: int) -> bool:
    """Whether the word continues with a digit for a vowel: `hell0` is not hell."""
    return text[end : end + 1] in {"0", "3", "4"} and not text[end + 1 : end + 2].isalnum()


def _native(original: str, span: tuple[int, int], phrase: str) -> bool:
    """Whether a Latin phrase was found in a word of another alphabet, among words of the same."""
    scripts = {script(character) for character in original[slice(*span)]} - {""}
    if not phrase.isascii() or len(scripts) != 1 or "LATIN" in scripts:
        return False
    around = original[: span[0]] + original[span[1] :]
    return any(script(character) in scripts for character in around)
