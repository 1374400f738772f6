"""The migration from schema version 2 to 3, in which texts are folded for searching otherwise.

The column has another name. So the archive of an older Parley that still runs fails, and leaves
Kafka's records to the newer one, instead of storing texts that can't be found.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, bindparam, inspect, select, update

from app.history.fold import fold
from app.history.message import shown
from app.history.schema import messages

_AT_ONCE = 2000

_SQLITE = (
    "DROP TRIGGER IF EXISTS parley_search_insert",
    "DROP TRIGGER IF EXISTS parley_search_delete",
    "DROP TRIGGER IF EXISTS parley_search_update",
    "DROP TABLE IF EXISTS parley_search",
)
_POSTGRESQL = ("DROP INDEX IF EXISTS parley_messages_folded",)


def migrate(connection: Connection) -> None:
    """Fold the text of every message anew; the index is made anew behind this."""
    columns = {column["name"] for column in inspect(connection).get_columns(messages.name)}
    if "folded" not in columns:
        return  # made in this migration, from version 1
    sqlite = connection.dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("ALTER TABLE parley_messages RENAME COLUMN folded TO search_text")
    last = 0
    while rows := connection.execute(_after(last)).all():
        last = rows[-1].id
        changed = [
            {"row": row.id, "text": text}
            for row in rows
            if (text := fold(shown(row.event).text)) != row.search_text
        ]
        if changed:
            connection.execute(_CHANGE, changed)


_CHANGE = (
    update(messages).where(messages.c.id == bindparam("row")).values(search_text=bindparam("text"))
)


def _after(last: int) -> Select[Any]:
    found = select(messages.c.id, messages.c.event, messages.c.search_text)
    wanted = (messages.c.id > last) & (messages.c.search_text != "")
    return found.where(wanted).order_by(messages.c.id).limit(_AT_ONCE)
