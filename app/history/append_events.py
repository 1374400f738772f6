"""Writing log events into the history store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.events import MessageCreated, MessageDeleted, MessageEdited
from app.history import progress, reactions
from app.history.entry import Entry
from app.history.epochs import without_lost
from app.history.forgotten import without_them
from app.history.key_sets import names, pairs
from app.history.message import Message, changed_row, new_row
from app.history.schema import log, messages, rooms

_COLUMNS = [messages.c[name] for name in Message._fields]
#: The columns of a message that can change; its author can be forgotten.
_CHANGING = ("by", "edit", "deleted", "event", "search_text")


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Store entries within the connection's writing transaction, in a few statements for all.

    Storing an event again changes nothing, as long as a room's events are given in order and, after
    a step back, again up to the end. Events that an epoch has cut off are left out.
    """
    entries = without_lost(connection, entries)
    # In one order everywhere: otherwise two archives with the same rooms could deadlock.
    ordered = sorted(entries, key=lambda entry: (entry.room, entry.n))
    floors = lock_rooms(connection, dict.fromkeys(entry.room for entry in ordered))
    progress.advance(connection, entries)
    store(connection, ordered, floors)


def store(connection: Connection, ordered: Sequence[Entry], floors: Mapping[str, int]) -> None:
    """Store entries, sorted by room and `n`, whose rooms are locked and have these floors."""
    kept = [entry for entry in ordered if entry.seq is None or entry.seq >= floors[entry.room]]
    if not kept:
        return
    kept = without_them(connection, kept)
    connection.execute(_new(connection, log, ["room", "n"]), [_row(entry) for entry in kept])
    _insert_messages(connection, kept)
    _change_messages(connection, kept)
    reactions.record(connection, [entry.event for entry in kept])


def lock_rooms(connection: Connection, wanted: Collection[str]) -> dict[str, int]:
    """Lock the rooms until the transaction ends; for each, the `seq` below which it was dropped.

    They have to be sorted: otherwise two transactions that lock the same rooms could deadlock.
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


def _insert_messages(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [
        new_row(entry.event, entry.raw)._asdict()
        for entry in entries
        if isinstance(entry.event, MessageCreated)
    ]
    if rows:
        connection.execute(_new(connection, messages, ["room", "seq"]), rows)


def _change_messages(connection: Connection, entries: Sequence[Entry]) -> None:
    events = [
        entry.event for entry in entries if isinstance(entry.event, MessageEdited | MessageDeleted)
    ]
    if not events:
        return
    before = read(connection, {(event.room, event.seq): None for event in events})
    after = dict(before)
    for event in events:
        key = (event.room, event.seq)
        # An absent message was dropped, or was before the beginning of the log.
        if key in after:
            row, message = after[key]
            after[key] = row, changed_row(message, event)
    changed = [found for key, found in after.items() if found != before[key]]
    if changed:
        write(connection, changed)


def read(
    connection: Connection, keys: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, Message]]:
    """Those of the messages (room, seq) that exist, each with its row's id."""
    listed = pairs(connection, keys)
    same = (messages.c.room == listed.c.room) & (messages.c.seq == listed.c.seq)
    found = connection.execute(select(messages.c.id, *_COLUMNS).join_from(listed, messages, same))
    rows = ((row[0], Message(*row[1:])) for row in found)
    return {(message.room, message.seq): (row, message) for row, message in rows}


def write(connection: Connection, changed: Sequence[tuple[int, Message]]) -> None:
    """Replace the messages in these rows."""
    rows = [
        {"row": row} | {name: getattr(message, name) for name in _CHANGING}
        for row, message in changed
    ]
    connection.execute(update(messages).where(messages.c.id == bindparam("row")), rows)
