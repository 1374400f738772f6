"""Erasing a user's messages, reactions and name from the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, delete, select, text, tuple_, update

from app.events import encode
from app.history.append_events import lock_rooms, read, write
from app.history.message import Message, cleared_row, shown
from app.history.schema import log, messages, reactions

_AT_ONCE = 500

#: How many rows were changed, and the row to continue after; `None`: that was all.
Step = tuple[int, Any]


class Erasure:
    """The erasure of a user's messages up to `until_ms`, in steps of one transaction each."""

    def __init__(self, user: str, until_ms: int) -> None:
        self._user = user
        self._until_ms = until_ms

    def messages(self, connection: Connection, after: Any) -> Step:
        """Clear the next of the user's messages, which then have no author."""
        theirs = messages.c.by == self._user
        return self._rewrite(connection, after, theirs, lambda one: cleared_row(one, nameless=True))

    def mentions(self, connection: Connection, after: Any) -> Step:
        """Remove the user from the mentions of the next messages; their text stays."""
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
            .where(log.c.by == self._user, log.c.at_ms <= self._until_ms, log.c.seq.is_not(None))
            .where(key > (after or ("", 0)))
            .order_by(log.c.room, log.c.n)
            .limit(_AT_ONCE)
        )
        found = [tuple(row) for row in connection.execute(theirs)]
        if not found:
            return 0, None
        same = (log.c.room == bindparam("of_room")) & (log.c.n == bindparam("of_n"))
        rows = [{"of_room": room, "of_n": n, "by": ""} for room, n in found]
        connection.execute(update(log).where(same), rows)
        return len(found), found[-1]

    def reactions(self, connection: Connection, after: Any) -> Step:  # noqa: ARG002
        """Remove the user's reactions."""
        return connection.execute(
            delete(reactions).where(reactions.c.by == self._user)
        ).rowcount, None

    def _rewrite(
        self, connection: Connection, after: Any, which: Any, how: Callable[[Message], Message]
    ) -> Step:
        found = connection.execute(
            select(messages.c.id, messages.c.room, messages.c.seq)
            .where(which, messages.c.at_ms <= self._until_ms, messages.c.id > (after or 0))
            .order_by(messages.c.id)
            .limit(_AT_ONCE)
        ).all()
        if not found:
            return 0, None
        # Read again with the lock: an edit may have been stored in between.
        lock_rooms(connection, sorted({room for _, room, _ in found}))
        there = read(connection, [(room, seq) for _, room, seq in found]).values()
        changed = [(row, how(message)) for row, message in there if how(message) != message]
        if changed:
            write(connection, changed)
        return len(changed), found[-1].id

    def _unnamed(self, message: Message) -> Message:
        event = shown(message.event)
        if max(event.at_ms, event.edited_ms) > self._until_ms:
            return message
        others = tuple(user for user in event.mentions if user != self._user)
        if others == event.mentions:
            return message
        return message._replace(event=encode(replace(event, mentions=others)))
