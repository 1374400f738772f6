"""Dropping a room's old messages for good."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update

from app.history.append_events import lock_rooms
from app.history.pages import floor, newest_seq
from app.history.schema import log, messages, reactions, rooms

_AT_ONCE = 1000


def raise_floor(connection: Connection, room: str, at_ms: int) -> None:
    """Store nothing of the room below its first message from `at_ms` on, from now on."""
    if not connection.scalar(select(rooms.c.room).where(rooms.c.room == room)):
        return
    before = lock_rooms(connection, [room])[room]
    young = select(messages.c.seq).where(messages.c.room == room, messages.c.at_ms >= at_ms)
    first = connection.scalar(young.order_by(messages.c.seq).limit(1))
    if first is None:
        first = newest_seq(connection, room) + 1
    if first > before:
        connection.execute(update(rooms).where(rooms.c.room == room).values(floor=first))


def drop(connection: Connection, room: str) -> int:
    """Remove some of the messages below the floor; how many, 0 at the end."""
    below = floor(connection, room)
    oldest = (
        select(messages.c.seq)
        .where(messages.c.room == room, messages.c.seq < below)
        .order_by(messages.c.seq)
        .limit(_AT_ONCE)
        .subquery()
    )
    newest = connection.scalar(select(func.max(oldest.c.seq)))
    top = below - 1 if newest is None else newest
    for table in (log, reactions):
        connection.execute(delete(table).where(table.c.room == room, table.c.seq <= top))
    gone = delete(messages).where(messages.c.room == room, messages.c.seq <= top)
    return connection.execute(gone).rowcount
