"""The history store's tables, and how a database comes to have them."""

from __future__ import annotations

import time

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
    func,
    insert,
    select,
    text,
)

from app.errors import ParleyError

#: What this code writes and reads. A change of the tables raises it by one, and `prepare` then
#: brings an older store up to it.
VERSION = 1

# Any number will do, as long as nobody else locks the same one in a shared database.
_LOCK = 0x7061726C6579

# By bytes, in both databases alike: a locale's rules change with the C library, and then an
# index no longer finds its rows.
_Name = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()

versions = Table(
    "parley_schema",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("since_ms", BigInteger, nullable=False),
)

#: Every log event of every room. `event` holds its JSON as it went through `chat.log`; the other
#: columns repeat what is searched for. Bytes, as PostgreSQL's text and JSON refuse U+0000.
events = Table(
    "parley_events",
    metadata,
    Column("room", _Name, primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=True, comment="null: not a message"),
    Column("kind", _Name, nullable=False),
    Column("by", _Name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("id", _Name, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Index("parley_events_room_seq", "room", "seq"),
    # In SQLite a room's events then lie side by side, so a page is a few reads.
    sqlite_with_rowid=False,
)


class SchemaNewer(ParleyError):
    """The history store was written by a later Parley than this one."""

    def __init__(self, found: int) -> None:
        super().__init__(
            f"the history store has schema version {found}; this Parley knows {VERSION} and older."
            " Run the version of Parley that wrote it, or a later one"
        )
        self.found = found


def prepare(connection: Connection) -> None:
    """Give the database the tables of `VERSION`, within the connection's transaction.

    One process at a time does this, the others wait and then find it done. Raises `SchemaNewer`
    and changes nothing where a later Parley has been here.
    """
    _alone(connection)
    versions.create(connection, checkfirst=True)
    found = connection.scalar(select(func.max(versions.c.version)))
    if found is not None and found > VERSION:
        raise SchemaNewer(found)
    metadata.create_all(connection)
    if found is None:
        now_ms = time.time_ns() // 1_000_000
        connection.execute(insert(versions).values(version=VERSION, since_ms=now_ms))


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
