"""Distinguishes a database that is away or unusable from a statement that it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import ParleyError, Unreachable, Unusable

# Connection lost; out of connections, memory or disk; shutting down or starting; lost a deadlock.
# Classes and codes of the PostgreSQL manual, appendix A.
_PASSING_STATES = ("08", "53", "57P", "40")
# Login refused, no such database, no permission, read-only, damaged: an operator has to repair it.
_UNUSABLE_STATES = ("28", "3D", "25006", "42501", "XX001", "XX002")
# A value that no column takes: too long, out of range, against a constraint.
_DATA_STATES = ("22", "23", "54")
_NO_TABLE = "42P01"
_PASSING_SQLITE = tuple(
    f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "CANTOPEN", "IOERR", "FULL", "PROTOCOL")
)
_UNUSABLE_SQLITE = tuple(
    f"SQLITE_{name}" for name in ("CORRUPT", "NOTADB", "READONLY", "PERM", "AUTH")
)


@contextmanager
def outages() -> Iterator[None]:
    """Raise `Unreachable` for errors that may pass, `Unusable` for those that need a repair.

    Every other error is raised unchanged.
    """
    try:
        yield
    except DBAPIError as error:
        if _passes(error):
            raise Unreachable(f"the history store does not answer: {error.orig}") from error
        if _code(error).startswith((*_UNUSABLE_STATES, *_UNUSABLE_SQLITE)):
            raise Unusable(f"the history store can't be used: {error.orig}") from error
        raise
    except PoolTimeout as error:
        raise Unreachable("the history store has no connection free") from error


@contextmanager
def unprepared() -> Iterator[None]:
    """Raise `Unreachable` where the tables do not exist yet."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        if getattr(cause, "sqlstate", "") == _NO_TABLE or "no such table" in str(cause):
            raise Unreachable("the history store has no tables yet") from error
        raise


def about_values(error: Exception) -> bool:
    """Whether an error is about the values to be stored, and not about the database."""
    if isinstance(error, DBAPIError):
        values = isinstance(error, DataError | IntegrityError)
        return values or _code(error).startswith((*_DATA_STATES, "SQLITE_TOOBIG"))
    return not isinstance(error, SQLAlchemyError | ParleyError)


def _passes(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    # libpq gives no code for a failed connection.
    if isinstance(error.orig, psycopg.OperationalError) and not _code(error):
        return True
    return _code(error).startswith((*_PASSING_STATES, *_PASSING_SQLITE))


def _code(error: DBAPIError) -> str:
    """The code of PostgreSQL or SQLite for an error."""
    cause = error.orig
    if isinstance(cause, psycopg.Error):
        return cause.sqlstate or ""
    return str(getattr(cause, "sqlite_errorname", ""))
