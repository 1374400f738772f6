"""The history store: every log event, by room and number, for as long as one likes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.domain.review import Item
from app.events import AnyAct, MessageDeleted, MessageEdited
from app.history import review
from app.history.append_events import append
from app.history.engine import use_wal
from app.history.entry import Entry, storable
from app.history.fold import fold
from app.history.maintenance import Maintenance
from app.history.migrations import prepare
from app.history.pages import Span, bounded, floor, newest_seq, page
from app.history.schema import versions
from app.history.search import Found, Place, search


class History(Maintenance):
    """The history store at a URL: SQLite (a file) or PostgreSQL.

    Any number of processes may use one store at once. Every method raises `Unreachable` where
    the database is not there or is short of something, `Unusable` where somebody has to mend it;
    trying again later is then safe. Other errors of the database come out as they are.
    """

    async def open(self) -> None:
        """Afterwards the tables are there, whoever made them; safe to do many times at once.

        A store that an older Parley wrote is brought up to date first, while others wait. Raises
        `SchemaNewer` where a later Parley wrote it, and then changes nothing.
        """
        if self._sqlite:
            async with self._access():
                await use_wal(self._engine)
        await self._write(prepare)

    async def append(self, entries: Sequence[Entry]) -> None:
        """Afterwards all of `entries` are stored, durably, each (room, n) once.

        All or none: an error leaves none of them behind. Appending again changes nothing, also
        in part, also by several at once: give each room's events in the order of `n`, and where
        one goes back, come forward again to the end. What an event deletes or replaces is then
        in no row. Made for batches up to 500.
        """
        if not entries:
            return
        if any(isinstance(entry.event, MessageEdited | MessageDeleted) for entry in entries):
            self._tidied = False
        await self._write(append, entries)

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
        return await self._read(page, span, reader if storable(reader) else "")

    async def newest_seq(self, room: str) -> int:
        """The highest `seq` that was ever stored for `room`; 0 where none was."""
        if not storable(room):
            return 0
        return await self._read(newest_seq, room)

    async def kept_from(self, room: str) -> int:
        """The `seq` below which `drop_before` has dropped the room's messages; else 1."""
        return max(1, await self._read(floor, room)) if storable(room) else 1

    async def search(
        self, query: str, rooms: Sequence[str], *, before: Place | None = None, limit: int = 50
    ) -> list[Found]:
        """At most `limit` messages of `rooms` that have `query` in their text, newest first.

        A part of a word will do; upper and lower case are the same, spaces around the query do
        not count, and no character in it has a meaning of its own. Messages are searched as they
        are now. `before`: those that follow the found message of this `place`.

        A query of one or two characters reads all messages of the rooms (in PostgreSQL also any
        in characters that are no letters in its locale, such as Chinese under `C`); others go by
        an index.
        """
        folded = fold(query.strip()).strip()
        if not folded or limit < 1:
            return []
        known = [room for room in rooms if storable(room)]
        if before is not None:
            if not storable(before[1]):
                return []
            before = (bounded(before[0]), before[1], bounded(before[2]))
        return await self._read(search, folded, known, before, bounded(limit))

    async def record(self, acts: Sequence[AnyAct]) -> None:
        """Keep what moderation did, each act once, in their order; the review queue follows."""
        if acts:
            await self._write(review.record, acts)

    async def item(self, name: str) -> Item | None:
        """An item of the review queue by its id."""
        return await self._read(review.item, name) if storable(name) else None

    async def queue(
        self,
        rooms: Sequence[str] | None,
        status: str = "open",
        *,
        after: review.Place = (0, ""),
        limit: int = 50,
    ) -> list[Item]:
        """At most `limit` items of the rooms (`None`: of all), the oldest first, after `after`.

        `status` is `open`, `approved`, `rejected`, `removed`, `dismissed`, or empty for any.
        """
        return await self._read(review.queue, rooms, status, after, bounded(limit))

    async def account(
        self,
        rooms: Sequence[str] | None,
        *,
        before: review.Place | None = None,
        limit: int = 50,
    ) -> list[tuple[review.Place, AnyAct]]:
        """What moderation did in the rooms (`None`: anywhere), the newest first, below `before`."""
        return await self._read(review.account, rooms, before, bounded(limit))

    async def ping(self) -> None:
        """Returns where the store can be read; raises `Unreachable` where it does not answer."""
        # Not SELECT 1: SQLite answers that without a look at the file.
        await self._read(lambda connection: connection.execute(select(versions.c.version).limit(1)))
