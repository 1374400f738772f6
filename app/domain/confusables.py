"""Names that look like one another: `Ian` and `lan`, or `ann` with a Cyrillic letter.

They are not refused, because they may be names of two people. They are flagged where people meet
them: `looks_like` of a new member, and of members in lists.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

from app.domain.mentions import same
from app.domain.moderation.folding import look_alikes

#: Confusables within ASCII (UTS #39), by the character that stands for all of them.
_ASCII: Final = str.maketrans({"0": "o", "O": "o", "1": "l", "I": "l", "|": "l"})


@lru_cache(20_000)
def looks(name: str) -> frozenset[str]:
    """What a name looks like, as it is and in lower case; names that share one look alike."""
    return frozenset((_skeleton(name), _skeleton(same(name))))


class Looks:
    """The looks of names, to find one that looks like another."""

    def __init__(self, users: Iterable[str] = ()) -> None:
        self._by_look: dict[str, set[str]] = {}
        for user in users:
            self.add(user)

    def add(self, user: str) -> None:
        """Add a name, if it is not there."""
        for look in looks(user):
            self._by_look.setdefault(look, set()).add(user)

    def discard(self, user: str) -> None:
        """Remove a name, if it is there."""
        for look in looks(user):
            if (together := self._by_look.get(look)) is not None:
                together.discard(user)

    def alike(self, user: str) -> str:
        """The first other name that looks like this one; empty where none does."""
        found = {other for look in looks(user) for other in self._by_look.get(look, ())}
        return min(found - {user}, default="")


def flagged(users: Collection[str]) -> Mapping[str, str]:
    """Those of the users that look like another of them, each with that one."""
    known = Looks(users)
    return {user: other for user in users if (other := known.alike(user))}


def _skeleton(name: str) -> str:
    if not name.isascii():
        letters = look_alikes()
        # Before NFKC, too, which makes another letter of some, as of a lunate sigma.
        name = "".join(letters.get(character, character) for character in name)
        wide = unicodedata.normalize("NFKC", name)
        name = "".join(letters.get(character, character) for character in wide)
    return name.translate(_ASCII).lower().replace("rn", "m").replace("vv", "w")
