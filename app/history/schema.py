"""The history store's tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

#: What this code writes and reads. A change of the tables raises it by one, and
#: `app/history/migrations.py` brings an older store up to it.
VERSION = 2

#: By bytes, in both databases alike: a locale's rules change with the C library, and then an
#: index no longer finds its rows.
Name = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()

versions = Table(
    "parley_schema",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("since_ms", BigInteger, nullable=False),
)

#: Each room with an event. Whoever changes a room's rows has locked its row here.
rooms = Table(
    "parley_rooms",
    metadata,
    Column("room", Name, primary_key=True),
    Column("floor", BigInteger, nullable=False, comment="messages below were dropped for good"),
    sqlite_with_rowid=False,
)

#: Every log event of every room. What a message says is in `messages` alone, a reaction in
#: `reactions`, so that there is one place to take it away from: `event` holds the JSON of other
#: events as it went through `chat.log`, and nothing where there is a `seq`. Bytes, as
#: PostgreSQL's text and JSON refuse U+0000.
log = Table(
    "parley_log",
    metadata,
    Column("room", Name, primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=True, comment="of the message that it is about"),
    Column("kind", Name, nullable=False),
    Column("by", Name, nullable=False, comment="empty: whoever it was is forgotten"),
    Column("at_ms", BigInteger, nullable=False),
    Column("id", Name, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Index("parley_log_room_seq", "room", "seq"),
    # In SQLite a room's events then lie side by side, so a reading is a few reads.
    sqlite_with_rowid=False,
)

#: Each message as it is now: see `app/history/message.py`.
messages = Table(
    "parley_messages",
    metadata,
    # SQLite's search index goes by it.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("room", Name, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("by", Name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("thread", BigInteger, nullable=True, comment="the root's seq"),
    Column("edit", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("folded", Name, nullable=False),
    UniqueConstraint("room", "seq"),
    # With all that the count of a thread's replies needs.
    Index(
        "parley_messages_thread",
        *("room", "thread", "seq", "deleted", "at_ms"),
        sqlite_where=text("thread IS NOT NULL"),
        postgresql_where=text("thread IS NOT NULL"),
    ),
)

#: Who has put which emoji under which message since `n`; one taken back stays, marked, so that an
#: older event that comes again does not bring it back.
reactions = Table(
    "parley_reactions",
    metadata,
    Column("room", Name, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("emoji", Name, primary_key=True),
    Column("by", Name, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("removed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

#: Whose name and words were taken out, up to when; `who` is a hash of their id.
forgotten = Table(
    "parley_forgotten",
    metadata,
    Column("who", Name, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: The review queue: each item as it is now, made of the acts below.
reviews = Table(
    "parley_reviews",
    metadata,
    Column("id", Name, primary_key=True),
    Column("room", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", Name, nullable=False, comment="empty: forgotten"),
    Column("item", LargeBinary, nullable=False),
    Index("parley_reviews_open", "status", "at_ms", "id"),
    sqlite_with_rowid=False,
)

#: What moderation did: the records of `chat.moderation`.
acts = Table(
    "parley_acts",
    metadata,
    Column("id", Name, primary_key=True),
    Column("room", Name, nullable=False),
    Column("by", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("act", LargeBinary, nullable=False),
    Index("parley_acts_when", "at_ms", "id"),
    Index("parley_acts_room", "room", "at_ms", "id"),
    sqlite_with_rowid=False,
)
