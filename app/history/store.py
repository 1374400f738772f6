"""The history store: every log event, by room and number, for as long as one likes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.history.engine import connect, history_url, use_wal
from app.history.entry import Entry, storable
from app.history.outage import outages
from app.history.schema import events, prepare, versions

_BIGGEST = 2**63 - 1


class History:
    """The history store at a URL: SQLite (a file) or PostgreSQL.

    Any number of processes may use one store at once. Every method raises `Unreachable` where
    the database is not there or is short of something; trying again later is then safe.
    Other errors of the database come out as they are.
    """

    def __init__(self, url: str) -> None:
        """Takes `sqlite+aiosqlite:///FILE`, `postgresql://…` or `postgres://…`.

        Connects to nothing yet; raises `SettingError` for any other URL.
        """
        self._engine = connect(history_url(url))
        # A single SELECT needs no transaction around it, which would be two more round trips.
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sqlite = self._engine.dialect.name == "sqlite"
        dialect = sqlite if self._sqlite else postgresql
        self._insert = dialect.insert(events).on_conflict_do_nothing(index_elements=["room", "n"])

    async def open(self) -> None:
        """Afterwards the tables are there, whoever made them; safe to do many times at once.

        Raises `SchemaNewer` where a later Parley wrote the store, and then changes nothing.
        """
        with outages():
            if self._sqlite:
                await use_wal(self._engine)
            async with self._engine.begin() as connection:
                await connection.run_sync(prepare)

    async def close(self) -> None:
        """Let go of every connection; safe to do twice, or without `open`."""
        await self._engine.dispose()

    async def append(self, entries: Sequence[Entry]) -> None:
        """Afterwards all of `entries` are stored, durably, each (room, n) once.

        All or none: an error leaves none of them behind. What is there already stays as it was,
        so appending again, from anywhere, changes nothing. Made for batches up to 500.
        """
        if not entries:
            return
        # In one order everywhere, or two archives with the same rooms wait for each other.
        rows = [entry._asdict() for entry in sorted(entries, key=lambda entry: entry[:2])]
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(self._insert, rows)

    async def page(
        self,
        room: str,
        *,
        before_seq: int | None = None,
        after_seq: int | None = None,
        limit: int = 50,
    ) -> list[bytes]:
        """At most `limit` messages of `room`, ascending by `seq`, each the bytes that were stored.

        With `after_seq` the oldest above it (and below `before_seq`, if both are given); with
        `before_seq` alone the newest below it; with neither the newest. Neither bound is
        included. What `append` had stored when this is called is seen.
        """
        if limit < 1 or not storable(room):
            return []
        wanted = select(events.c.event).where(events.c.room == room, events.c.seq.is_not(None))
        if before_seq is not None:
            wanted = wanted.where(events.c.seq < _bounded(before_seq))
        if after_seq is not None:
            wanted = wanted.where(events.c.seq > _bounded(after_seq))
        oldest = after_seq is not None
        wanted = wanted.order_by(events.c.seq if oldest else events.c.seq.desc())
        with outages():
            async with self._reading.connect() as connection:
                found = await connection.scalars(wanted.limit(_bounded(limit)))
                page = list(found)
        return page if oldest else page[::-1]

    async def newest_seq(self, room: str) -> int:
        """The highest `seq` stored for `room`; 0 where it has no message."""
        if not storable(room):
            return 0
        wanted = select(events.c.seq).where(events.c.room == room, events.c.seq.is_not(None))
        with outages():
            async with self._reading.connect() as connection:
                newest = await connection.scalar(wanted.order_by(events.c.seq.desc()).limit(1))
        return int(newest or 0)

    async def ping(self) -> None:
        """Returns where the store can be read; raises `Unreachable` where it does not answer."""
        # Not SELECT 1: SQLite answers that without a look at the file.
        with outages():
            async with self._reading.connect() as connection:
                await connection.execute(select(versions.c.version).limit(1))


def _bounded(number: int) -> int:
    # Both databases refuse an integer beyond 64 bits; no `seq` lies out there.
    return max(-_BIGGEST, min(number, _BIGGEST))
