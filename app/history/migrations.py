"""Creating the history store's tables, and migrating those of older versions."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, func, insert, select, text

from app.errors import ParleyError
from app.history import migration_to_2, migration_to_3, search
from app.history.schema import VERSION, metadata, versions
from app.runtime.clock import now_ms

# An arbitrary number that no other application locks in a shared database.
_LOCK = 0x7061726C6579

#: By version: the migration from the version before.
_STEPS: dict[int, Callable[[Connection], None]] = {
    2: migration_to_2.migrate,
    3: migration_to_3.migrate,
}


class SchemaNewer(ParleyError):
    """The history store was written by a later version of Parley."""

    def __init__(self, found: int) -> None:
        super().__init__(
            f"the history store has schema version {found}; this Parley knows {VERSION} and older."
            " Run the version of Parley that wrote it, or a later one"
        )
        self.found = found


def prepare(connection: Connection) -> None:
    """Create the tables of `VERSION`, or migrate to them, in the connection's writing transaction.

    One process at a time does this; others wait, and then find it done. Raises `SchemaNewer`, and
    changes nothing, where the store is of a later version.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    versions.create(connection, checkfirst=True)
    found = connection.scalar(select(func.max(versions.c.version)))
    if found is not None and found > VERSION:
        raise SchemaNewer(found)
    metadata.create_all(connection)
    for version in range((found or VERSION) + 1, VERSION + 1):
        _STEPS[version](connection)
    search.prepare(connection)
    if found != VERSION:
        at_ms = now_ms()
        connection.execute(insert(versions).values(version=VERSION, since_ms=at_ms))
