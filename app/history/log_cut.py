"""Removing events that are no part of the log any more, and everything that follows from them.

An event beyond the end of a room may have edited, deleted or reacted to a message before it. Such a
message is stored again, by its events from the log, in the transaction that removes the rest: so
nothing is lost where this is interrupted, and it may be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, or_, select, union, update

from app.domain.review import Item
from app.history import epochs
from app.history.append_events import lock_rooms, store
from app.history.entry import Entry
from app.history.key_sets import names, pairs
from app.history.pages import newest_seq
from app.history.schema import log, messages, reactions, reviews, rooms

_decode = msgspec.json.Decoder(Item).decode


class RoomEnd(NamedTuple):
    """The last event of a room, and its last message, that are a part of the log; 0: none."""

    n: int = 0
    seq: int = 0


class RoomCut(NamedTuple):
    """A room to be cut behind its end.

    `again` are the events of the log, in their order, about the messages `wanted`.
    """

    room: str
    end: RoomEnd
    wanted: Collection[int]
    again: Sequence[Entry]


def beyond(connection: Connection, ends: Mapping[str, RoomEnd]) -> list[str]:
    """Those of the rooms that have something beyond their end."""
    listed = names(connection, ends)
    newest = select(func.max(log.c.n)).where(log.c.room == rooms.c.room).scalar_subquery()
    there = select(rooms.c.room, rooms.c.floor, newest).where(
        rooms.c.room.in_(select(listed.c.name))
    )
    return [
        room
        for room, floor, n in connection.execute(there)
        if (n or 0) > ends[room].n or floor > ends[room].seq + 1 or ends[room] == RoomEnd()
    ]


def changed(connection: Connection, room: str, end: RoomEnd) -> set[int]:
    """The messages up to the end that an event beyond it has changed."""
    kept = [
        select(log.c.seq).where(log.c.room == room, log.c.n > end.n, log.c.seq <= end.seq),
        select(messages.c.seq).where(
            messages.c.room == room, messages.c.edit > end.n, messages.c.seq <= end.seq
        ),
        select(reactions.c.seq).where(
            reactions.c.room == room, reactions.c.n > end.n, reactions.c.seq <= end.seq
        ),
    ]
    return {int(seq) for seq in connection.scalars(union(*kept)) if seq is not None}


def cut(connection: Connection, given: RoomCut, partition: int | None = None) -> bool:
    """Remove what lies beyond the room's end; false where other messages have changed meanwhile.

    With a `partition`, only while that is to be cut: another archive may have done it by now.
    """
    room, end = given.room, given.end
    if partition is not None and not epochs.is_due(connection, partition):
        return True
    floor = lock_rooms(connection, [room])[room]
    again = changed(connection, room, end)
    if not again <= set(given.wanted):
        return False
    for seq in again:
        for table in (messages, reactions):
            connection.execute(delete(table).where(table.c.room == room, table.c.seq == seq))
    connection.execute(delete(log).where(log.c.room == room, log.c.n > end.n))
    connection.execute(delete(messages).where(messages.c.room == room, messages.c.n > end.n))
    gone = or_(reactions.c.n > end.n, reactions.c.seq > end.seq)
    connection.execute(delete(reactions).where(reactions.c.room == room, gone))
    _drop_reports(connection, room, end)
    if floor > end.seq + 1:
        floor = end.seq + 1
        connection.execute(update(rooms).where(rooms.c.room == room).values(floor=floor))
    if end == RoomEnd():
        connection.execute(delete(rooms).where(rooms.c.room == room))
    else:
        store(connection, [one for one in given.again if one.seq in again], {room: floor})
    return True


def _drop_reports(connection: Connection, room: str, end: RoomEnd) -> None:
    """Drop the queue's items about messages that are gone: their numbers will be others'."""
    found = connection.execute(select(reviews.c.id, reviews.c.item).where(reviews.c.room == room))
    for name in [name for name, raw in found.all() if _decode(raw).seq > end.seq]:
        connection.execute(delete(reviews).where(reviews.c.id == name))


def drop_stray_reports(connection: Connection) -> None:
    """Drop the queue's items about messages that no room has reached."""
    for room in connection.scalars(select(reviews.c.room).distinct()).all():
        _drop_reports(connection, room, RoomEnd(0, newest_seq(connection, room)))


def differing(connection: Connection, entries: Sequence[Entry]) -> list[tuple[str, int]]:
    """The events (room, n) that the store has otherwise than the log."""
    # Of an event that is there twice the first one counts.
    given = {(entry.room, entry.n): entry for entry in reversed(entries)}
    listed = pairs(connection, given)
    same = (log.c.room == listed.c.room) & (log.c.n == listed.c.seq)
    stored = select(log.c.room, log.c.n, log.c.id, log.c.kind, log.c.seq).join_from(
        listed, log, same
    )
    return [
        (room, n)
        for room, n, *what in connection.execute(stored)
        if tuple(what) != (given[room, n].event.id, given[room, n].kind, given[room, n].seq)
    ]
