"""The database of a history store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from app.errors import Unusable
from app.history.engine import connect, history_url, writing
from app.history.outage import outages, unprepared
from app.history.thread_priority import lower_thread_priority

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """A database, with reads and writing transactions."""

    def __init__(self, url: str) -> None:
        """Takes `sqlite+aiosqlite:///FILE`, `postgresql://…` or `postgres://…`.

        Connects to nothing yet; raises `SettingError` for any other URL.
        """
        self._engine = connect(history_url(url))
        # A single SELECT needs no transaction, which would cost two more round trips.
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sqlite = self._engine.dialect.name == "sqlite"
        #: Whether everything that was deleted is gone from the disk, too.
        self._tidied = False

    def lower_thread_priority(self) -> None:
        """Give this database's threads the lowest priority; to be called before anything else."""
        lower_thread_priority(self._engine)

    async def close(self) -> None:
        """Close every connection; may be called twice, or without `open`."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _access(self) -> AsyncIterator[None]:
        try:
            with outages():
                yield
        except Unusable:
            # An open connection would keep a file that was replaced or made read-only.
            await self._engine.dispose()
            raise

    async def _read(
        self, what: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._access():
            with unprepared():
                async with self._reading.connect() as connection:
                    return await connection.run_sync(what, *args, **kwargs)

    async def _write(
        self, what: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._access(), writing(self._engine) as connection:
            return await connection.run_sync(what, *args, **kwargs)
