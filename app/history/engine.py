"""The SQLAlchemy engine for the URL of a history store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.errors import SettingError

#: Seconds that a SQLite writer waits for another process's transaction to end.
LOCK_WAIT = 10.0

_TAKES = "sqlite+aiosqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
# Without these a host that disappeared would block its callers for many minutes.
_POSTGRESQL = {"connect_timeout": 5, "tcp_user_timeout": 15_000}


def history_url(raw: str) -> URL:
    """The URL with Parley's driver for it; raises `SettingError` if there is none."""
    try:
        url = make_url(raw)
    except ArgumentError:
        # Not shown, as it may contain a password.
        raise SettingError("PARLEY_HISTORY", "…", _TAKES) from None
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    known = url.drivername in _DRIVERS.values()
    is_file = known and url.get_backend_name() == "sqlite"
    in_memory = is_file and url.database in (None, ":memory:")
    # A file has no host and no user; nothing would be done with them.
    elsewhere = is_file and (url.host or url.username or url.password)
    if not known or in_memory or elsewhere:
        raise SettingError("PARLEY_HISTORY", url.render_as_string(hide_password=True), _TAKES)
    return url


def connect(url: URL) -> AsyncEngine:
    """An engine for `url`; connects to nothing yet."""
    if url.get_backend_name() == "sqlite":
        # The connection used last is used next: each has a cache and a thread of its own.
        engine = create_async_engine(url, connect_args={"timeout": LOCK_WAIT}, pool_use_lifo=True)
        event.listen(engine.sync_engine, "connect", _pragmas)
        return engine
    # The ping finds connections that a restart of the server has ended.
    settings = {key: value for key, value in _POSTGRESQL.items() if key not in url.query}
    return create_async_engine(url, connect_args=settings, pool_pre_ping=True, pool_timeout=10)


def _pragmas(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    # FULL: a power cut must not lose events whose offsets are committed to Kafka.
    cursor.execute("PRAGMA synchronous = FULL")
    # Deleted data are overwritten with zeros, not just marked as free.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("PRAGMA journal_size_limit = 67108864")
    cursor.close()


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A writing transaction; in SQLite the only one at a time.

    A SQLite transaction that begins with a read may find that it can't write any more.
    """
    async with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


async def use_wal(engine: AsyncEngine) -> None:
    """Put a SQLite file into WAL mode for good; creates the file if it is absent.

    In WAL mode readers and the writer don't wait for each other.
    """
    Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    until = loop.time() + LOCK_WAIT
    while True:
        try:
            async with engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            return
        except OperationalError as error:
            # SQLite's own wait for locks does not cover this change of mode.
            if "locked" not in str(error) or loop.time() > until:
                raise
            await asyncio.sleep(0.02)
