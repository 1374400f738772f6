"""Mentions in a text: `@ann`, and `@room` or `@everyone` for all members.

At each `@` the longest member's name counts, wherever it ends: `@ben,@eva`, `@ben's`, `@小明你好`.
Upper and lower case, and full-width forms, count as the same, unless two members differ in nothing
else. web/static/messages/mentions.js is the same function for the page;
tests/domain/mentions.json holds both to each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, NamedTuple

#: The most users that a message mentions; later ones are plain text.
MOST: Final = 50
#: The most `@` that are looked at in a message: what stands behind them costs a look-up for each
#: place at which a name may end.
MOST_SIGNS: Final = 100
#: The longest name, in characters.
LONGEST: Final = 64

#: The words for all members. A member of that name is mentioned instead.
EVERYONE: Final = ("room", "everyone")

#: Code between backticks, and addresses of pages, mention nobody.
_SILENT: Final = re.compile(r"```.*?```|`[^`\n]*`|https?://[!-~]*", re.DOTALL)

#: Scripts whose words follow one another without a space, or have endings added to a name: Thai to
#: Tibetan, Myanmar, Hangul, Khmer, Han and kana. A name may end anywhere among these.
_RUN_ON: Final = (
    r"\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
_RUN_ON_LETTER: Final = re.compile(f"[{_RUN_ON}]")
#: A letter or digit of the others, where a word goes on.
_LETTER: Final = re.compile(rf"[^\W_{_RUN_ON}]")
_SIGN: Final = re.compile(r"[@\uff20\ufe6b]")
_RUN: Final = re.compile(rf"[^\s/]{{1,{LONGEST}}}")
#: Behind a name: the rest of an address such as `ben.example`.
_DOMAIN: Final = re.compile(r"\.[A-Za-z0-9]")
_CALLED: Final = re.compile(r"[^\s/@\uff20\ufe6b]{1,64}")


class _Same(dict[str, str]):
    """What a mention may not differ in of each character, computed when it is first used."""

    def __missing__(self, character: str) -> str:
        wide = unicodedata.normalize("NFKD", character)
        # By its capital: `ß` is `ss`, and all forms of sigma are one.
        lower = "".join(one.lower() for part in wide for one in part.upper())
        self[character] = lower
        return lower


#: With the letter whose small one is written in two ways.
_SAME: Final = _Same({"\u0130": "i"})


def same(name: str) -> str:
    """The name without what a mention may differ in: upper and lower case, width, composition.

    Made of its characters one by one, so that the beginning of a name is the beginning of this.
    """
    return name.lower() if name.isascii() else "".join([_SAME[one] for one in name])


class Names:
    """The names that may be mentioned."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        #: By what a mention may differ in: the names.
        self._same: dict[str, tuple[str, ...]] = {}
        #: The first characters of these, counted: most words behind an `@` are no member's name.
        self._firsts = Counter(word[0] for word in EVERYONE)
        for name in names:
            self.add(name)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def add(self, name: str) -> None:
        """Add a name, once."""
        if name not in self._names:
            self._names.add(name)
            key = same(name)
            self._same[key] = (*self._same.get(key, ()), name)
            self._firsts[key[:1]] += 1

    def discard(self, name: str) -> None:
        """Remove a name, if it is there."""
        if name in self._names:
            self._names.remove(name)
            key = same(name)
            self._firsts[key[:1]] -= 1
            others = tuple(one for one in self._same[key] if one != name)
            if others:
                self._same[key] = others
            else:
                del self._same[key]

    def may_begin(self, key: str) -> bool:
        """Whether a name may begin as this word does."""
        return self._firsts[key[:1]] > 0

    def find(self, written: str, key: str) -> str | None:
        """The name that is meant; `None` where it is nobody's, or not clear whose.

        `key` is the `same` of what is written.
        """
        if written in self._names:
            return written
        found = self._same.get(key, ())
        return found[0] if len(found) == 1 else None


class Mention(NamedTuple):
    """A mention, and its span in the text; `user` is empty where it is of everyone."""

    start: int
    end: int
    user: str


def mentions(text: str, names: Names) -> Iterator[Mention]:
    """The mentions in a text, in its order."""
    if not has_sign(text):
        return
    text = _SILENT.sub(lambda found: " " * len(found[0]), text)
    end = signs = 0
    for sign in _SIGN.finditer(text):
        start = sign.start()
        if start < end or not (_opens(text, start) or (end and start == end)):
            continue
        signs += 1
        if signs > MOST_SIGNS:
            return
        found = _longest(text, start, names)
        if found is not None:
            end = found.end
            yield found


class Mentioned(NamedTuple):
    """The users that a text mentions, each once, and whether it mentions everyone."""

    users: tuple[str, ...] = ()
    everyone: bool = False


def mentioned(text: str, names: Names) -> Mentioned:
    """Whom a text mentions: up to `MOST` users."""
    found = [one.user for one in mentions(text, names)]
    users = tuple(dict.fromkeys(filter(None, found)))
    return Mentioned(users[:MOST], "" in found)


def called(text: str) -> tuple[str, ...]:
    """The words after an `@`, each once: the users that a text may mention, whoever is a member."""
    if not has_sign(text):
        return ()
    text = _SILENT.sub(lambda found: " " * len(found[0]), text)
    words: dict[str, None] = {}
    end = 0
    for sign in _SIGN.finditer(text):
        start = sign.start()
        word = _CALLED.match(text, start + 1)
        if word is not None and (_opens(text, start) or (end and start == end)):
            end = word.end()
            if name := _without_signs(word[0]):
                words[name] = None
    return tuple(words)


def _without_signs(word: str) -> str:
    end = len(word)
    while end and not (_LETTER.match(word, end - 1) or _RUN_ON_LETTER.match(word, end - 1)):
        end -= 1
    return word[:end]


def has_sign(text: str) -> bool:
    """Whether the text may have a mention."""
    return "@" in text or (not text.isascii() and _SIGN.search(text) is not None)


def _opens(text: str, sign: int) -> bool:
    """Whether an `@` may begin a mention: it does not behind another, or within an address."""
    place = sign - 1
    if place < 0:
        return True
    if _SIGN.match(text[place]):
        return False
    while place >= 0 and text[place] == "_":
        place -= 1
    return place < 0 or not (_LETTER.match(text[place]) or _is_mark(text[place]))


def _longest(text: str, sign: int, names: Names) -> Mention | None:
    run = _RUN.match(text, sign + 1)
    if run is None:
        return None
    parts = [_SAME[one] for one in run[0]]
    if not names.may_begin(parts[0]):
        return None
    keys, places = "".join(parts), list(accumulate(map(len, parts)))
    for size in range(len(parts), 0, -1):
        end = sign + 1 + size
        if not _ends(text, end):
            continue
        key = keys[: places[size - 1]]
        user = names.find(text[sign + 1 : end], key)
        if user is None and key in EVERYONE:
            user = ""
        if user is not None:
            return None if _is_address(text, sign, end) else Mention(sign, end, user)
    return None


def _ends(text: str, place: int) -> bool:
    """Whether a name may end here: not within a word."""
    if place < len(text) and _is_mark(text[place]):
        return False
    before = place - 1
    if not (_LETTER.match(text[before]) or text[before] == "_" or _is_mark(text[before])):
        return True
    while place < len(text) and text[place] == "_":
        place += 1
    return place == len(text) or not _LETTER.match(text[place])


def _is_address(text: str, sign: int, end: int) -> bool:
    """Whether this is an address whose first part is of a script without spaces."""
    return (
        sign > 0
        and _RUN_ON_LETTER.match(text[sign - 1]) is not None
        and _DOMAIN.match(text, end) is not None
    )


def _is_mark(character: str) -> bool:
    """Whether the character belongs to the one before it; a variation selector ends a name."""
    if "\ufe00" <= character <= "\ufe0f":
        return False
    return character > "\u02ff" and unicodedata.category(character)[0] == "M"
