"""The interest of a subscription: kinds of events, in some rooms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate
from typing import Final

from app.domain.subscriptions.kinds import TOPIC_OF, chosen

#: The signs that make the name of a room a pattern.
_PATTERN: Final = frozenset("*?[")


class Interest:
    """Which events a subscription gets: those of some kinds, in rooms that match a pattern."""

    def __init__(self, kinds: Sequence[str], rooms: Sequence[str]) -> None:
        self.kinds = chosen(kinds)
        self.topics = frozenset(TOPIC_OF[kind] for kind in self.kinds)
        patterns = [room for room in rooms if _PATTERN.intersection(room)]
        #: The rooms by name, where no pattern is among them; `None`: any.
        self.rooms = None if patterns or not rooms else frozenset(rooms)
        self._names = frozenset(rooms)
        joined = "|".join(map(translate, patterns))
        self._pattern = re.compile(joined) if patterns else None
        self._anywhere = not rooms

    def has(self, kind: str, room: str) -> bool:
        """Whether it gets an event of the kind in the room; empty: in none."""
        if kind not in self.kinds:
            return False
        if self._anywhere or room in self._names:
            return True
        return bool(self._pattern is not None and room and self._pattern.match(room))
