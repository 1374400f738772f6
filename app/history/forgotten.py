"""Forgotten users: their words must not come back when Kafka delivers an event again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, case, select, text
from sqlalchemy.dialects import postgresql, sqlite

from app.events import (
    AnyLogEvent,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    Position,
    ReactionAdded,
    ReactionRemoved,
    encode,
)
from app.history.entry import Entry
from app.history.key_sets import names
from app.history.message import cleared_event
from app.history.schema import forgotten, forgotten_ends

_PLACE = ["who", "partition"]
_ABOUT_MESSAGES = (MessageCreated, MessageEdited, MessageDeleted, ReactionAdded, ReactionRemoved)


def mark(connection: Connection, user: str, until_ms: int, ends: Sequence[int] = ()) -> None:
    """Make `without_them` remove the user from events below `ends` from now on.

    Without `ends`, and for events whose position is not known: from those up to `until_ms`.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        # Waits for transactions that append and have read this table before: their rows are visible
        # afterwards.
        connection.execute(text("LOCK TABLE parley_forgotten IN ACCESS EXCLUSIVE MODE"))
    insert = (sqlite if on_sqlite else postgresql).insert
    for table, key, value in ((forgotten, ["who"], "until_ms"), (forgotten_ends, _PLACE, "upto")):
        new = insert(table)
        known, given = table.c[value], new.excluded[value]
        later = case((known > given, known), else_=given)
        newer = new.on_conflict_do_update(index_elements=key, set_={value: later})
        one = {"who": who(user)}
        if table is forgotten:
            connection.execute(newer, [one | {"until_ms": until_ms}])
        elif ends:
            rows = [one | {"partition": place, "upto": upto} for place, upto in enumerate(ends)]
            connection.execute(newer, rows)


def without_them(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries without the words and names of forgotten users."""
    people = {name for entry in entries for name in _people(entry.event)}
    times = until(connection, people)
    if not times:
        return list(entries)
    known = Forgotten(times, _ends(connection, times))
    return [_without(entry, known) for entry in entries]


class Forgotten(NamedTuple):
    """Forgotten users, with the time up to which, and the positions for those who have some."""

    times: Mapping[str, int]
    ends: Mapping[str, Mapping[int, int]]

    def covers(self, user: str, entry: Entry) -> bool:
        """Whether the event is from before the user was forgotten."""
        ends = self.ends.get(user)
        if ends is None or entry.pos < 0:
            return entry.event.at_ms <= self.times.get(user, -1)
        return entry.pos < ends.get(entry.partition, 0)


def until(connection: Connection, people: Iterable[str]) -> dict[str, int]:
    """Those of the users who are forgotten, each with the time up to which."""
    hashed = {who(user): user for user in people}
    listed = names(connection, hashed)
    found = connection.execute(select(forgotten).where(forgotten.c.who.in_(select(listed.c.name))))
    return {hashed[key]: until_ms for key, until_ms in found}


def _ends(connection: Connection, people: Iterable[str]) -> dict[str, dict[int, int]]:
    hashed = {who(user): user for user in people}
    listed = names(connection, hashed)
    theirs = forgotten_ends.c.who.in_(select(listed.c.name))
    found: dict[str, dict[int, int]] = {}
    for key, partition, upto in connection.execute(select(forgotten_ends).where(theirs)):
        found.setdefault(hashed[key], {})[partition] = upto
    return found


def who(user: str) -> str:
    """The key of a forgotten user."""
    # A hash: the name itself would have to be forgotten, too.
    return sha256(user.encode()).hexdigest()


def _people(event: AnyLogEvent) -> Iterable[str]:
    if isinstance(event, _ABOUT_MESSAGES):
        yield event.by
    if isinstance(event, MessageCreated | MessageEdited):
        yield from event.mentions


def _without(entry: Entry, known: Forgotten) -> Entry:
    event = entry.event
    theirs = {user for user in _people(event) if known.covers(user, entry)}
    if not theirs:
        return entry
    if event.by in theirs:
        event = (
            cleared_event(event, nameless=True)
            if isinstance(event, MessageCreated)
            else replace(event, by="", client_id="")
        )
    if isinstance(event, MessageCreated | MessageEdited):
        event = replace(event, mentions=tuple(one for one in event.mentions if one not in theirs))
    return Entry.of(event, encode(event)).at(entry.partition, Position(entry.epoch, entry.pos))
