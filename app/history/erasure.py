"""Erasing a user's messages, reactions and name from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    select,
    text,
    true,
    tuple_,
    update,
)

from app.events import encode
from app.history.append_events import lock_rooms, read, write
from app.history.message import Message, cleared_row, shown
from app.history.schema import log, messages, reactions

_AT_ONCE = 500

#: How many rows were changed, and the row to continue after; `None`: that was all.
Step = tuple[int, Any]


class Stored(NamedTuple):
    """What the store had at a moment: the newest row of a message, and each room's newest event."""

    message: int
    events: Mapping[str, int]


def stored(connection: Connection, user: str) -> Stored:
    """What the store has of the user's events, and of messages."""
    events: dict[str, int] = {}
    # An erasure that was interrupted may have taken the name from the events, not from reactions.
    for table in (log, reactions):
        newest = select(table.c.room, func.max(table.c.n)).where(table.c.by == user)
        for room, n in connection.execute(newest.group_by(table.c.room)):
            events[room] = max(n, events.get(room, 0))
    message = connection.scalar(select(func.max(messages.c.id)))
    return Stored(message or 0, events)


class Scope(NamedTuple):
    """The rows that an erasure is about.

    Those up to `until_ms`; or, with `before`, those that the store had then, except the events of
    each room from `beyond` on. What comes into the store later is erased as it is stored.
    """

    until_ms: int
    before: Stored | None = None
    beyond: Mapping[str, int] = {}

    def messages(self) -> ColumnElement[bool]:
        """The rows of messages that may be in it."""
        if self.before is None:
            return messages.c.at_ms <= self.until_ms
        return messages.c.id <= self.before.message

    def events(self) -> ColumnElement[bool]:
        """The rows of events that may be in it."""
        return true() if self.before is not None else log.c.at_ms <= self.until_ms

    def has_message(self, room: str, n: int) -> bool:
        """Whether one of those messages is in it."""
        return self.before is None or n < self.beyond.get(room, n + 1)

    def has_event(self, room: str, n: int) -> bool:
        """Whether one of those events is in it."""
        if self.before is None:
            return True
        return n <= self.before.events.get(room, 0) and self.has_message(room, n)


class Erasure:
    """The erasure of a user's messages in a scope, in steps of one transaction each."""

    def __init__(self, user: str, scope: Scope) -> None:
        self._user = user
        self._scope = scope

    def messages(self, connection: Connection, after: Any) -> Step:
        """Clear the next of the user's messages, which then have no author."""
        theirs = messages.c.by == self._user
        return self._rewrite(connection, after, theirs, lambda one: cleared_row(one, nameless=True))

    def mentions(self, connection: Connection, after: Any) -> Step:
        """Remove the user from the mentions and edits of the next messages; their text stays."""
        in_event = text(
            "instr(event, :name) > 0"
            if connection.dialect.name == "sqlite"
            else "position(cast(:name AS bytea) IN event) > 0"
        ).bindparams(name=msgspec.json.encode(self._user))
        return self._rewrite(connection, after, in_event, self._unnamed)

    def events(self, connection: Connection, after: Any) -> Step:
        """Remove the user's name from the next events about messages."""
        key = tuple_(log.c.room, log.c.n)
        theirs = (
            select(log.c.room, log.c.n)
            .where(log.c.by == self._user, self._scope.events(), log.c.seq.is_not(None))
            .where(key > (after or ("", 0)))
            .order_by(log.c.room, log.c.n)
            .limit(_AT_ONCE)
        )
        found = [tuple(row) for row in connection.execute(theirs)]
        if not found:
            return 0, None
        same = (log.c.room == bindparam("of_room")) & (log.c.n == bindparam("of_n"))
        covered = [(room, n) for room, n in found if self._scope.has_event(room, n)]
        if covered:
            rows = [{"of_room": room, "of_n": n, "by": ""} for room, n in covered]
            connection.execute(update(log).where(same), rows)
        return len(found), found[-1]

    def reactions(self, connection: Connection, after: Any) -> Step:  # noqa: ARG002
        """Remove the user's reactions."""
        theirs = select(reactions.c.room, reactions.c.seq, reactions.c.emoji, reactions.c.n)
        found = connection.execute(theirs.where(reactions.c.by == self._user)).all()
        rows = [
            {"of_room": room, "of_seq": seq, "of_emoji": emoji}
            for room, seq, emoji, n in found
            if self._scope.has_event(room, n)
        ]
        if rows:
            same = (reactions.c.room == bindparam("of_room")) & (
                reactions.c.seq == bindparam("of_seq")
            )
            one = same & (reactions.c.emoji == bindparam("of_emoji"))
            connection.execute(delete(reactions).where(one, reactions.c.by == self._user), rows)
        return len(rows), None

    def _rewrite(
        self, connection: Connection, after: Any, which: Any, how: Callable[[Message], Message]
    ) -> Step:
        found = connection.execute(
            select(messages.c.id, messages.c.room, messages.c.seq, messages.c.n)
            .where(which, self._scope.messages(), messages.c.id > (after or 0))
            .order_by(messages.c.id)
            .limit(_AT_ONCE)
        ).all()
        if not found:
            return 0, None
        # Read again with the lock: an edit may have been stored in between.
        covered = [(room, seq) for _, room, seq, n in found if self._scope.has_message(room, n)]
        lock_rooms(connection, sorted({room for room, _ in covered}))
        there = read(connection, covered).values()
        changed = [(row, how(message)) for row, message in there if how(message) != message]
        if changed:
            write(connection, changed)
        return len(changed), found[-1].id

    def _unnamed(self, message: Message) -> Message:
        event = shown(message.event)
        edited_later = max(event.at_ms, event.edited_ms) > self._scope.until_ms
        if self._scope.before is None and edited_later:
            return message
        others = tuple(user for user in event.mentions if user != self._user)
        by = "" if event.edited_by == self._user else event.edited_by
        if (others, by) == (event.mentions, event.edited_by):
            return message
        return message._replace(event=encode(replace(event, mentions=others, edited_by=by)))
