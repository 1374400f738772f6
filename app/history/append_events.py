"""Writing log events into the history store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.events import MessageCreated, MessageDeleted, MessageEdited
from app.history import reactions
from app.history.entry import Entry
from app.history.forgotten import without_them
from app.history.key_sets import names, pairs
from app.history.message import Message, retold, said
from app.history.schema import log, messages, rooms

_COLUMNS = [messages.c[name] for name in Message._fields]
#: What of a message can change: its author, too, who can be forgotten.
_TOLD = ("by", "edit", "deleted", "event", "folded")


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Store entries within the connection's writing transaction, a few statements for all of them.

    Each event leaves the same whether it comes once or again, as long as whoever brings a room's
    events does so in order and, after going back, all the way.
    """
    # In one order everywhere, or two archives with the same rooms wait for each other.
    ordered = sorted(entries, key=lambda entry: (entry.room, entry.n))
    floors = lock_rooms(connection, dict.fromkeys(entry.room for entry in ordered))
    kept = [entry for entry in ordered if entry.seq is None or entry.seq >= floors[entry.room]]
    if not kept:
        return
    kept = without_them(connection, kept)
    connection.execute(_new(connection, log, ["room", "n"]), [_row(entry) for entry in kept])
    _say(connection, kept)
    _retell(connection, kept)
    reactions.record(connection, [entry.event for entry in kept])


def lock_rooms(connection: Connection, wanted: Collection[str]) -> dict[str, int]:
    """Lock the rooms until the transaction ends; of each, below which `seq` it was dropped.

    Give them in their order, or two that lock the same rooms may wait for each other.
    """
    listed = names(connection, wanted)
    locking = (
        select(rooms.c.room, rooms.c.floor)
        .where(rooms.c.room.in_(select(listed.c.name)))
        .order_by(rooms.c.room)
        .with_for_update(of=rooms)
    )
    found = dict(connection.execute(locking).all())
    lacking = [{"room": name, "floor": 0} for name in wanted if name not in found]
    if lacking:
        connection.execute(_new(connection, rooms, ["room"]), lacking)
        found |= dict(connection.execute(locking).all())
    return found


def _new(connection: Connection, table: Any, key: list[str]) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing(index_elements=key)


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "room": entry.room,
        "n": entry.n,
        "seq": entry.seq,
        "kind": entry.kind,
        "by": entry.event.by,
        "at_ms": entry.event.at_ms,
        "id": entry.event.id,
        "event": entry.raw if entry.seq is None else b"",
    }


def _say(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [
        said(entry.event, entry.raw)._asdict()
        for entry in entries
        if isinstance(entry.event, MessageCreated)
    ]
    if rows:
        connection.execute(_new(connection, messages, ["room", "seq"]), rows)


def _retell(connection: Connection, entries: Sequence[Entry]) -> None:
    events = [
        entry.event for entry in entries if isinstance(entry.event, MessageEdited | MessageDeleted)
    ]
    if not events:
        return
    before = read(connection, {(event.room, event.seq): None for event in events})
    after = dict(before)
    for event in events:
        key = (event.room, event.seq)
        # A message that is not there was dropped, or the log no longer reached back to it.
        if key in after:
            row, message = after[key]
            after[key] = row, retold(message, event)
    changed = [found for key, found in after.items() if found != before[key]]
    if changed:
        write(connection, changed)


def read(
    connection: Connection, keys: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, Message]]:
    """The messages that there are among the keys (room, seq), each with its row's id."""
    listed = pairs(connection, keys)
    same = (messages.c.room == listed.c.room) & (messages.c.seq == listed.c.seq)
    found = connection.execute(select(messages.c.id, *_COLUMNS).join_from(listed, messages, same))
    rows = ((row[0], Message(*row[1:])) for row in found)
    return {(message.room, message.seq): (row, message) for row, message in rows}


def write(connection: Connection, changed: Sequence[tuple[int, Message]]) -> None:
    """Put the messages in the place of what is in these rows."""
    rows = [
        {"row": row} | {name: getattr(message, name) for name in _TOLD} for row, message in changed
    ]
    connection.execute(update(messages).where(messages.c.id == bindparam("row")), rows)
