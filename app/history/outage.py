"""Tells a database that is away for now from a statement that it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import Unreachable

# Connection lost; out of connections, memory or disk; shutting down or starting; a deadlock
# that went against us. Classes and codes of the PostgreSQL manual, appendix A.
_PASSING_STATES = ("08", "53", "57P", "40")
_NO_TABLE = "42P01"
_PASSING_SQLITE = tuple(
    f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "CANTOPEN", "IOERR", "FULL", "PROTOCOL")
)


@contextmanager
def outages() -> Iterator[None]:
    """Raise `Unreachable` for what may pass by waiting; let every other error out as it is."""
    try:
        yield
    except DBAPIError as error:
        if _passes(error):
            raise Unreachable(f"the history store does not answer: {error.orig}") from error
        raise
    except PoolTimeout as error:
        raise Unreachable("the history store has no connection free") from error


@contextmanager
def unprepared() -> Iterator[None]:
    """Raise `Unreachable` where the tables that are read are not there yet."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        if getattr(cause, "sqlstate", "") == _NO_TABLE or "no such table" in str(cause):
            raise Unreachable("the history store has no tables yet") from error
        raise


def _passes(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    cause = error.orig
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate is not None:
            return cause.sqlstate.startswith(_PASSING_STATES)
        # libpq gives a failed connect no code.
        return isinstance(cause, psycopg.OperationalError)
    return str(getattr(cause, "sqlite_errorname", "")).startswith(_PASSING_SQLITE)
