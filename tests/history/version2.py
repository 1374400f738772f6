"""A store as a Parley of schema version 2 left it: with texts that were folded otherwise."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sqlalchemy import Connection, text

from app.events import AnyLogEvent, MessageCreated
from app.history.engine import connect, history_url
from app.history.store import History
from tests.history.story import entries_of

_SQLITE = (
    "DROP TRIGGER parley_search_insert",
    "DROP TRIGGER parley_search_delete",
    "DROP TRIGGER parley_search_update",
    "DROP TABLE parley_search",
    "ALTER TABLE parley_messages RENAME COLUMN search_text TO folded",
    """CREATE VIRTUAL TABLE parley_search USING fts5(folded, content='parley_messages',
        content_rowid='id', tokenize='trigram case_sensitive 1', detail=none)""",
    """CREATE TRIGGER parley_search_insert AFTER INSERT ON parley_messages
        WHEN new.folded <> '' BEGIN
        INSERT INTO parley_search(rowid, folded) VALUES (new.id, new.folded); END""",
    """CREATE TRIGGER parley_search_delete AFTER DELETE ON parley_messages
        WHEN old.folded <> '' BEGIN
        INSERT INTO parley_search(parley_search, rowid, folded)
        VALUES ('delete', old.id, old.folded); END""",
    """CREATE TRIGGER parley_search_update AFTER UPDATE OF folded ON parley_messages
        WHEN new.folded <> old.folded BEGIN
        INSERT INTO parley_search(parley_search, rowid, folded)
        SELECT 'delete', old.id, old.folded WHERE old.folded <> '';
        INSERT INTO parley_search(rowid, folded)
        SELECT new.id, new.folded WHERE new.folded <> ''; END""",
    "INSERT INTO parley_search(parley_search) VALUES ('rebuild')",
)
_POSTGRESQL = (
    "DROP INDEX IF EXISTS parley_messages_search",
    "ALTER TABLE parley_messages RENAME COLUMN search_text TO folded",
    "CREATE INDEX parley_messages_folded ON parley_messages (folded)",
)


async def write(url: str, log: Sequence[AnyLogEvent]) -> None:
    store = History(url)
    await store.open()
    await store.append(entries_of(log))
    await store.close()
    engine = connect(history_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(_write, log)
    await engine.dispose()


def _write(connection: Connection, log: Sequence[AnyLogEvent]) -> None:
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)
    change = text("UPDATE parley_messages SET folded = :folded WHERE seq = :seq AND NOT deleted")
    said = (event for event in log if isinstance(event, MessageCreated))
    rows = [{"seq": event.seq, "folded": _fold(event.text)} for event in said]
    connection.execute(change, rows)
    connection.execute(text("UPDATE parley_schema SET version = 2"))


def append(connection: Connection, room: str, seq: int) -> None:
    connection.execute(
        text(
            "INSERT INTO parley_messages (room, seq, n, by, at_ms, edit, deleted, event, folded)"
            " VALUES (:room, :seq, :seq, 'ann', 0, 0, false, :event, 'two')"
        ),
        {"room": room, "seq": seq, "event": b"{}"},
    )


def _fold(said: str) -> str:
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", said).casefold())
    return composed.replace("\0", " ").encode("utf-8", "replace").decode()
