"""Searching messages for a part of their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.history.pages import as_shown

log = structlog.get_logger()

#: (at_ms, room, seq): found messages are in the descending order of this.
Place = tuple[int, str, int]

#: Characters of an entry in SQLite's index, which can't answer shorter queries.
GRAM = 3
# More of them would not narrow the search, and SQLite limits the length of expressions.
_MOST_GRAMS = 64

_SQLITE = (
    # Without positions the index is half as large, and keeps less of deleted texts.
    """CREATE VIRTUAL TABLE parley_search USING fts5(search_text, content='parley_messages',
        content_rowid='id', tokenize='trigram case_sensitive 1', detail=none)""",
    """CREATE TRIGGER parley_search_insert AFTER INSERT ON parley_messages
        WHEN new.search_text <> '' BEGIN
        INSERT INTO parley_search(rowid, search_text) VALUES (new.id, new.search_text); END""",
    """CREATE TRIGGER parley_search_delete AFTER DELETE ON parley_messages
        WHEN old.search_text <> '' BEGIN
        INSERT INTO parley_search(parley_search, rowid, search_text)
        VALUES ('delete', old.id, old.search_text); END""",
    """CREATE TRIGGER parley_search_update AFTER UPDATE OF search_text ON parley_messages
        WHEN new.search_text <> old.search_text BEGIN
        INSERT INTO parley_search(parley_search, rowid, search_text)
        SELECT 'delete', old.id, old.search_text WHERE old.search_text <> '';
        INSERT INTO parley_search(rowid, search_text)
        SELECT new.id, new.search_text WHERE new.search_text <> ''; END""",
    "INSERT INTO parley_search(parley_search) VALUES ('rebuild')",
)

_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX parley_messages_search ON parley_messages USING gin (search_text gin_trgm_ops)",
)

_ROOMS_SQLITE = "room IN (SELECT value FROM json_each(:rooms))"
_ROOMS_POSTGRESQL = "room IN (SELECT json_array_elements_text(cast(:rooms AS json)))"
# CROSS JOIN: use the index first, whatever SQLite estimates for the rooms.
_INDEXED = """FROM parley_search CROSS JOIN parley_messages AS m ON m.id = parley_search.rowid
    WHERE parley_search MATCH :grams AND instr(m.search_text, :folded)"""
_SCANNED = "FROM parley_messages AS m WHERE instr(m.search_text, :folded)"
_LIKE = r"FROM parley_messages AS m WHERE m.search_text LIKE :pattern ESCAPE '\'"


class Found(NamedTuple):
    """A found message in its present form; `event` is the JSON as in a page."""

    at_ms: int
    room: str
    seq: int
    event: bytes

    @property
    def place(self) -> Place:
        """The `before` of the next page."""
        return self.at_ms, self.room, self.seq


def prepare(connection: Connection) -> None:
    """Create the index if it is absent; without it, a search reads every message."""
    if connection.dialect.name == "sqlite":
        there = "SELECT 1 FROM sqlite_master WHERE name = 'parley_search'"
        if connection.scalar(text(there)) is None:
            for statement in _SQLITE:
                connection.exec_driver_sql(statement)
        return
    if connection.scalar(text("SELECT to_regclass('parley_messages_search')")) is not None:
        return
    try:
        with connection.begin_nested():
            for statement in _POSTGRESQL:
                connection.exec_driver_sql(statement)
    except DBAPIError as error:
        log.warning("search has no index: it needs PostgreSQL's pg_trgm", error=str(error.orig))


def search(
    connection: Connection, folded: str, rooms: Sequence[str], before: Place | None, limit: int
) -> list[Found]:
    """The newest messages of the rooms, below `before`, whose folded text contains `folded`."""
    at_ms, room, seq = before or (2**63 - 1, "", 0)
    given: dict[str, Any] = {"rooms": orjson.dumps(rooms).decode(), "limit": limit}
    given |= {"at_ms": at_ms, "room": room, "seq": seq}
    if connection.dialect.name == "sqlite":
        source, in_rooms = _INDEXED if len(folded) >= GRAM else _SCANNED, _ROOMS_SQLITE
        given |= {"folded": folded, "grams": _grams(folded)}
    else:
        source, in_rooms = _LIKE, _ROOMS_POSTGRESQL
        given["pattern"] = f"%{_escaped(folded)}%"
    statement = text(
        f"""SELECT m.room, m.seq, m.event, m.deleted, m.at_ms {source} AND m.{in_rooms}
        AND (m.at_ms, m.room, m.seq) < (:at_ms, :room, :seq)
        ORDER BY m.at_ms DESC, m.room DESC, m.seq DESC LIMIT :limit"""
    )
    rows = connection.execute(statement, given).all()
    shown = as_shown(connection, [tuple(row)[:4] for row in rows], "")
    return [
        Found(row.at_ms, row.room, row.seq, event) for row, event in zip(rows, shown, strict=True)
    ]


def _grams(folded: str) -> str:
    """The FTS5 query for texts that contain every trigram of `folded`."""
    grams = dict.fromkeys(folded[start : start + GRAM] for start in range(len(folded) - GRAM + 1))
    quoted = ('"' + gram.replace('"', '""') + '"' for gram in list(grams)[:_MOST_GRAMS])
    return " AND ".join(quoted)


def _escaped(folded: str) -> str:
    for special in ("\\", "%", "_"):
        folded = folded.replace(special, "\\" + special)
    return folded
