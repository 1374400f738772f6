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

#: The version that this code reads and writes. A change of the tables raises it by one, and
#: app/history/migrations.py migrates older stores.
VERSION = 3

#: Collated by bytes in both databases: the rules of a locale change with the C library, and then an
#: index no longer finds its rows.
Name = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()

versions = Table(
    "parley_schema",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("since_ms", BigInteger, nullable=False),
)

#: The deployment whose archive writes the store, in one row.
deployments = Table(
    "parley_deployment",
    metadata,
    Column("id", Name, primary_key=True),
    sqlite_with_rowid=False,
)

#: Each room with an event. A transaction that changes rows of a room locks its row here first.
rooms = Table(
    "parley_rooms",
    metadata,
    Column("room", Name, primary_key=True),
    Column("floor", BigInteger, nullable=False, comment="messages below were dropped for good"),
    sqlite_with_rowid=False,
)

#: Every log event of every room. The text of a message is in `messages` alone, and a reaction in
#: `reactions`, so there is one place to delete it from: `event` has the JSON of other events as it
#: was in `chat.log`, and is empty if there is a `seq`. Bytes, as PostgreSQL's text and JSON refuse
#: U+0000.
log = Table(
    "parley_log",
    metadata,
    Column("room", Name, primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=True, comment="of the message that it is about"),
    Column("kind", Name, nullable=False),
    Column("by", Name, nullable=False, comment="empty: empty: the author was erased"),
    Column("at_ms", BigInteger, nullable=False),
    Column("id", Name, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Index("parley_log_room_seq", "room", "seq"),
    # SQLite then stores a room's events side by side, and a page takes few reads.
    sqlite_with_rowid=False,
)

#: Each message in its present form: see app/history/message.py.
messages = Table(
    "parley_messages",
    metadata,
    # SQLite's search index refers to it.
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
    Column("search_text", Name, nullable=False),
    UniqueConstraint("room", "seq"),
    # With every column that the count of a thread's replies needs.
    Index(
        "parley_messages_thread",
        *("room", "thread", "seq", "deleted", "at_ms"),
        sqlite_where=text("thread IS NOT NULL"),
        postgresql_where=text("thread IS NOT NULL"),
    ),
)

#: How far the archive has come in each partition of `chat.log`: everything below is stored. Pages
#: and searches take what is above from Valkey. Without a row nothing is known.
archived = Table(
    "parley_archived",
    metadata,
    Column("partition", BigInteger, primary_key=True, autoincrement=False),
    Column("upto", BigInteger, nullable=False, comment="the position that is stored next"),
)

#: The epochs of `chat.log` that the store was told of. What an earlier epoch had at `start` and
#: beyond is no part of the log: it is not stored any more, and is in no table once it is `cut`.
epochs = Table(
    "parley_epochs",
    metadata,
    Column("partition", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("cut", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

#: Reactions, each since event `n`; a removed one stays and is marked, so that an older event that
#: comes again does not restore it.
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

#: Forgotten users, each with the time up to which; `who` is a hash of the user id.
forgotten = Table(
    "parley_forgotten",
    metadata,
    Column("who", Name, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: Forgotten users by position: their words below `upto` in a partition of `chat.log` are erased.
#: Where a user has rows here, the time above is for events whose position is not known.
forgotten_ends = Table(
    "parley_forgotten_ends",
    metadata,
    Column("who", Name, primary_key=True),
    Column("partition", BigInteger, primary_key=True, autoincrement=False),
    Column("upto", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: The review queue: each item in its present form, derived from the actions below.
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

#: The audit log of moderation: the records of `chat.moderation`.
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
