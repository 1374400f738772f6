"""The figures of a room in the store, to be compared with a recount from Kafka."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from app.history import schema
from app.history.pages import floor, newest_seq
from app.history.schema import log, messages


class RoomState(NamedTuple):
    """A room's figures.

    `n` and `seq` are the highest that were stored, `events` counts the stored events. `gaps` are
    the missing ranges of `n`, first and last, up to the highest: only events about messages below
    `kept_from` may be missing. `deleted` are the messages shown as deleted, those of forgotten
    users included.
    """

    n: int
    seq: int
    events: int
    kept_from: int
    gaps: tuple[tuple[int, int], ...]
    deleted: tuple[int, ...]


class LogRow(NamedTuple):
    """A stored event; `by` is empty if its user is forgotten."""

    n: int
    kind: str
    seq: int | None
    by: str


def rooms(connection: Connection) -> list[str]:
    """Every room that has had an event."""
    return list(connection.scalars(select(schema.rooms.c.room).order_by(schema.rooms.c.room)))


def state(connection: Connection, room: str) -> RoomState:
    """The room's figures; for an unknown room all 0 and empty, with `kept_from` 1."""
    counted = select(func.max(log.c.n), func.count()).where(log.c.room == room)
    n, events = connection.execute(counted).one()
    gone = select(messages.c.seq).where(messages.c.room == room, messages.c.deleted.is_(True))
    return RoomState(
        n=n or 0,
        seq=newest_seq(connection, room),
        events=events,
        kept_from=max(1, floor(connection, room)),
        gaps=_gaps(connection, room),
        deleted=tuple(connection.scalars(gone.order_by(messages.c.seq))),
    )


def _gaps(connection: Connection, room: str) -> tuple[tuple[int, int], ...]:
    before = func.lag(log.c.n, 1, 0).over(order_by=log.c.n).label("before")
    steps = select(log.c.n, before).where(log.c.room == room).subquery()
    jumps = select(steps).where(steps.c.n > steps.c.before + 1).order_by(steps.c.n)
    return tuple((row.before + 1, row.n - 1) for row in connection.execute(jumps))


def rows(connection: Connection, room: str, after_n: int, limit: int) -> list[LogRow]:
    """The room's next stored events above `after_n`, ascending."""
    wanted = select(log.c.n, log.c.kind, log.c.seq, log.c.by)
    wanted = wanted.where(log.c.room == room, log.c.n > after_n).order_by(log.c.n).limit(limit)
    return [LogRow(*row) for row in connection.execute(wanted)]
