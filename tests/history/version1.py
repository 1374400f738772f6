"""A store as a Parley of schema version 1 wrote it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
)

from app.history.engine import connect, history_url, use_wal
from app.history.entry import Entry

_name = Text().with_variant(Text(collation="C"), "postgresql")
_metadata = MetaData()
_versions = Table(
    "parley_schema",
    _metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("since_ms", BigInteger, nullable=False),
)
_events = Table(
    "parley_events",
    _metadata,
    Column("room", _name, primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=True),
    Column("kind", _name, nullable=False),
    Column("by", _name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("id", _name, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Index("parley_events_room_seq", "room", "seq"),
    sqlite_with_rowid=False,
)


async def write(url: str, entries: Sequence[Entry]) -> None:
    engine = connect(history_url(url))
    if engine.dialect.name == "sqlite":
        await use_wal(engine)
    async with engine.begin() as connection:
        await connection.run_sync(_write, entries)
    await engine.dispose()


def _write(connection: Connection, entries: Sequence[Entry]) -> None:
    _metadata.create_all(connection)
    connection.execute(insert(_versions).values(version=1, since_ms=0))
    append(connection, entries)


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [
        {
            "room": entry.room,
            "n": entry.n,
            "seq": entry.seq,
            "kind": entry.kind,
            "by": entry.event.by,
            "at_ms": entry.event.at_ms,
            "id": entry.event.id,
            "event": entry.raw,
        }
        for entry in entries
    ]
    connection.execute(insert(_events), rows)
