"""Forgotten users: their words must not come back when Kafka delivers an event again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from msgspec.structs import replace
from sqlalchemy import Connection, case, select, text
from sqlalchemy.dialects import postgresql, sqlite

from app.events import (
    AnyLogEvent,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
    encode,
)
from app.history.entry import Entry
from app.history.key_sets import names
from app.history.message import cleared_event
from app.history.schema import forgotten

_ABOUT_MESSAGES = (MessageCreated, MessageEdited, MessageDeleted, ReactionAdded, ReactionRemoved)


def mark(connection: Connection, user: str, until_ms: int) -> None:
    """Make `without_them` remove the user from events up to `until_ms` from now on."""
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        # Waits for transactions that append and have read this table before: their rows are visible
        # afterwards.
        connection.execute(text("LOCK TABLE parley_forgotten IN ACCESS EXCLUSIVE MODE"))
    new = (sqlite if on_sqlite else postgresql).insert(forgotten)
    known, given = forgotten.c.until_ms, new.excluded.until_ms
    later = case((known > given, known), else_=given)
    newer = new.on_conflict_do_update(index_elements=["who"], set_={"until_ms": later})
    connection.execute(newer.values(who=_who(user), until_ms=until_ms))


def without_them(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries without the words and names of forgotten users."""
    people = {name for entry in entries for name in _people(entry.event)}
    known = until(connection, people)
    return [_without(entry, known) for entry in entries] if known else list(entries)


def until(connection: Connection, people: Iterable[str]) -> dict[str, int]:
    """Those of the users who are forgotten, each with the time up to which."""
    hashed = {_who(user): user for user in people}
    listed = names(connection, hashed)
    found = connection.execute(select(forgotten).where(forgotten.c.who.in_(select(listed.c.name))))
    return {hashed[who]: until_ms for who, until_ms in found}


def _who(user: str) -> str:
    # A hash: the name itself would have to be forgotten, too.
    return sha256(user.encode()).hexdigest()


def _people(event: AnyLogEvent) -> Iterable[str]:
    if isinstance(event, _ABOUT_MESSAGES):
        yield event.by
    if isinstance(event, MessageCreated | MessageEdited):
        yield from event.mentions


def _without(entry: Entry, until: Mapping[str, int]) -> Entry:
    event = entry.event
    if not any(event.at_ms <= until.get(user, -1) for user in _people(event)):
        return entry
    if event.at_ms <= until.get(event.by, -1):
        event = (
            cleared_event(event, nameless=True)
            if isinstance(event, MessageCreated)
            else replace(event, by="", client_id="")
        )
    if isinstance(event, MessageCreated | MessageEdited):
        named = (user for user in event.mentions if event.at_ms > until.get(user, -1))
        event = replace(event, mentions=tuple(named))
    return Entry.of(event, encode(event), entry.partition, entry.pos)
