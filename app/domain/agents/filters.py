"""Filters: which events reach a handler of an agent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any, Final, Literal

from app.domain.agents.causes import author

#: Whose events reach a handler: those of people, those of other agents, or both.
Authors = Literal["people", "agents", "all"]
AUTHORS: Final = ("people", "agents", "all")


@dataclass(frozen=True)
class Filter:
    """The events of one kind, in some rooms, with a text, by some authors.

    `room` is a pattern in the manner of a shell (`team-*`), `text` a regular expression that is
    searched for in the event's text. An agent never gets its own events.
    """

    agent: str
    kind: str
    room: str = "*"
    text: re.Pattern[str] | None = None
    authors: Authors = "people"
    _room: re.Pattern[str] | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        compiled = None if self.room == "*" else re.compile(translate(self.room))
        object.__setattr__(self, "_room", compiled)

    def match(self, room: str, client_id: str, text: str) -> dict[str, str | None] | None:
        """The named groups of `text` where an event with these fields passes; otherwise `None`.

        The event's kind is expected to be the filter's. A field that an event lacks is empty.
        """
        if self._room is not None and not self._room.match(room):
            return None
        if not self._is_of_authors(client_id):
            return None
        if self.text is None:
            return {}
        found = self.text.search(text)
        return None if found is None else found.groupdict()

    def _is_of_authors(self, client_id: str) -> bool:
        found = author(client_id)
        if found is None:
            return self.authors != "agents"
        return self.authors != "people" and found.agent != self.agent


def is_shadowed(event: Any) -> bool:
    """Whether only its author may see the event: an agent's answer would reveal it to others."""
    return getattr(event, "shadow", None) is not None
