"""The archive's progress in `chat.log`, as the history store itself knows it.

It is written in the transaction that stores the events, so it never claims an event that is not
there. An archive that went back writes a lower position: readers then look up more than they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.history.entry import Entry
from app.history.key_sets import names
from app.history.schema import archived, epochs, log, rooms


class Standing(NamedTuple):
    """How much of a room is stored.

    `floor`: the `seq` below which its messages were dropped, or 1. `n`: its newest stored event, or
    0. `upto`: the position up to which its partition is stored; `None` where that is not known.
    `epoch`: the one that the partition was last cut for.
    """

    floor: int
    n: int
    upto: int | None
    epoch: int = 0


def advance(connection: Connection, entries: Sequence[Entry]) -> None:
    """Note that the entries, and all before them on their partitions, are stored."""
    upto: dict[int, int] = {}
    for entry in entries:
        if entry.pos >= 0:
            upto[entry.partition] = max(entry.pos + 1, upto.get(entry.partition, 0))
    if not upto:
        return
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(archived)
    moved = new.on_conflict_do_update(
        index_elements=["partition"], set_={"upto": new.excluded.upto}
    )
    # In one order everywhere: otherwise two archives could deadlock.
    rows = [{"partition": partition, "upto": upto[partition]} for partition in sorted(upto)]
    connection.execute(moved, rows)


def standing(connection: Connection, room: str, partition: int) -> Standing:
    """How much of the room is stored."""
    floor = select(rooms.c.floor).where(rooms.c.room == room).scalar_subquery()
    newest = select(func.max(log.c.n)).where(log.c.room == room).scalar_subquery()
    upto = select(archived.c.upto).where(archived.c.partition == partition).scalar_subquery()
    cut = select(func.max(epochs.c.epoch)).where(epochs.c.partition == partition, epochs.c.cut)
    found = connection.execute(select(floor, newest, upto, cut.scalar_subquery())).one()
    return Standing(max(1, found[0] or 0), found[1] or 0, found[2], found[3] or 0)


def unclaim(connection: Connection, partition: int) -> None:
    """Forget up to which position the partition is stored."""
    connection.execute(delete(archived).where(archived.c.partition == partition))


def positions(connection: Connection) -> dict[int, int]:
    """The position up to which each partition is stored, where it is known."""
    return dict(connection.execute(select(archived.c.partition, archived.c.upto)).all())


def newest_events(connection: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """The `n` of the newest stored event of each of the rooms that have one."""
    listed = names(connection, wanted)
    found = (
        select(log.c.room, func.max(log.c.n))
        .where(log.c.room.in_(select(listed.c.name)))
        .group_by(log.c.room)
    )
    return dict(connection.execute(found).all())
