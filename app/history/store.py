"""The history store: every log event, by room and number, for as long as one likes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from app.history.appending import append
from app.history.engine import connect, history_url, use_wal, writing
from app.history.entry import Entry, storable
from app.history.outage import outages
from app.history.pages import Span, page
from app.history.prepare import prepare
from app.history.schema import messages, versions


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

    async def open(self) -> None:
        """Afterwards the tables are there, whoever made them; safe to do many times at once.

        A store that an older Parley wrote is brought up to date first, while others wait. Raises
        `SchemaNewer` where a later Parley wrote it, and then changes nothing.
        """
        with outages():
            if self._sqlite:
                await use_wal(self._engine)
            async with writing(self._engine) as connection:
                await connection.run_sync(prepare)

    async def close(self) -> None:
        """Let go of every connection; safe to do twice, or without `open`."""
        await self._engine.dispose()

    async def append(self, entries: Sequence[Entry]) -> None:
        """Afterwards all of `entries` are stored, durably, each (room, n) once.

        All or none: an error leaves none of them behind. Appending again changes nothing, also
        in part, also by several at once: give each room's events in the order of `n`, and where
        one goes back, come forward again to the end. What an event deletes or replaces is then
        in no row. Made for batches up to 500.
        """
        if not entries:
            return
        with outages():
            async with writing(self._engine) as connection:
                await connection.run_sync(append, entries)

    async def page(
        self,
        room: str,
        *,
        thread: int | None = None,
        before_seq: int | None = None,
        after_seq: int | None = None,
        limit: int = 50,
        reader: str = "",
    ) -> list[bytes]:
        """At most `limit` messages of `room` as they are now, ascending by `seq`.

        Each is the JSON of a `message.created`: an edited one with its new text and `edited_ms`,
        a deleted one with `deleted` and without content. Where there are any, `reactions` says
        of each emoji how many (`count`) and who (`by`, the first 20 and `reader`), and `replies`
        and `last_reply_ms` tell of the thread below it. `thread`: only the replies to that `seq`.

        With `after_seq` the oldest above it (and below `before_seq`, if both are given); with
        `before_seq` alone the newest below it; with neither the newest. Neither bound is
        included. What `append` had stored when this is called is seen.
        """
        if limit < 1 or not storable(room):
            return []
        span = Span(room, thread, before_seq, after_seq, limit)
        with outages():
            async with self._reading.connect() as connection:
                return await connection.run_sync(page, span, reader)

    async def newest_seq(self, room: str) -> int:
        """The highest `seq` stored for `room`; 0 where it has no message."""
        if not storable(room):
            return 0
        wanted = select(func.max(messages.c.seq)).where(messages.c.room == room)
        with outages():
            async with self._reading.connect() as connection:
                return int(await connection.scalar(wanted) or 0)

    async def ping(self) -> None:
        """Returns where the store can be read; raises `Unreachable` where it does not answer."""
        # Not SELECT 1: SQLite answers that without a look at the file.
        with outages():
            async with self._reading.connect() as connection:
                await connection.execute(select(versions.c.version).limit(1))
