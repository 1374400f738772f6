"""The migration from schema version 1, with unchanged events, to 2, with messages as they are now.

The tables of the two versions have different names. So a process of the older Parley that still
runs fails, and its archive leaves Kafka's records to the newer one.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, select, tuple_

from app.events import decode_log
from app.history.append_events import append
from app.history.entry import Entry
from app.history.schema import Name

_AT_ONCE = 500

_metadata = MetaData()
_events = Table(
    "parley_events",
    _metadata,
    Column("room", Name, primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("event", LargeBinary, nullable=False),
)


def migrate(connection: Connection) -> None:
    """Copy all events of version 1 into the tables of version 2, and drop its table."""
    place = ("", 0)
    while True:
        key = tuple_(_events.c.room, _events.c.n)
        after = select(_events.c.room, _events.c.n, _events.c.event).where(key > place)
        rows = connection.execute(after.order_by(*key).limit(_AT_ONCE)).all()
        if not rows:
            break
        append(connection, [Entry.of(decode_log(row.event), row.event) for row in rows])
        place = (rows[-1].room, rows[-1].n)
    _events.drop(connection)
