"""The history store: every log event by room and number, kept as long as the rooms want."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.domain.review import Item
from app.events import AnyAct, MessageDeleted, MessageEdited
from app.history import progress, review
from app.history.append_events import append
from app.history.engine import use_wal
from app.history.entry import Entry, storable
from app.history.fold import fold
from app.history.maintenance import Maintenance
from app.history.migrations import prepare
from app.history.pages import Span, bounded, floor, newest_seq, page
from app.history.progress import Standing
from app.history.schema import versions
from app.history.search import Found, Place, search


class History(Maintenance):
    """The history store at a URL: SQLite (a file) or PostgreSQL.

    Any number of processes may use one store. Every method raises `Unreachable` where the database
    is away or short of a resource, and `Unusable` where an operator has to repair it; a later retry
    is safe. Other errors of the database are raised unchanged.
    """

    async def open(self) -> None:
        """Create the tables unless they exist; may be called many times concurrently.

        A store of an older version is migrated, while other processes wait. Raises `SchemaNewer`,
        and changes nothing, where the store is of a later version.
        """
        if self._sqlite:
            async with self._access():
                await use_wal(self._engine)
        await self._write(prepare)

    async def append(self, entries: Sequence[Entry]) -> None:
        """Store `entries` durably, each (room, n) once; all of them, or none after an error.

        Appending entries again, also in part or concurrently, changes nothing, as long as each
        room's events are given in the order of `n` and, after a step back, again up to the end.
        Texts that an event deletes or replaces are then in no row. Made for batches up to 500.
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
        """At most `limit` messages of `room` in their present form, ascending by `seq`.

        Each is the JSON of a `message.created`: an edited one with its new text and `edited_ms`,
        a deleted one with `deleted` and without content. A message with reactions has, by emoji,
        their `count` and their users (`by`: the first 20 and `reader`); the root of a thread has
        `replies` and `last_reply_ms`. With `thread`, only the replies to that `seq`.

        With `after_seq` the oldest above it (and below `before_seq`, if both are given); with
        `before_seq` alone the newest below it; with neither the newest. Neither bound is
        included. Everything stored before the call is seen.
        """
        if limit < 1 or not storable(room):
            return []
        span = Span(room, thread, before_seq, after_seq, limit)
        return await self._read(page, span, reader if storable(reader) else "")

    async def newest_seq(self, room: str) -> int:
        """The highest `seq` that was ever stored for `room`; 0 if none was."""
        if not storable(room):
            return 0
        return await self._read(newest_seq, room)

    async def kept_from(self, room: str) -> int:
        """The `seq` below which `drop_before` has dropped the room's messages, or 1."""
        return max(1, await self._read(floor, room)) if storable(room) else 1

    async def standing(self, room: str, partition: int) -> Standing:
        """How much of the room is stored. Everything read after this call has at least that."""
        if not storable(room):
            return Standing(1, 0, None)
        return await self._read(progress.standing, room, partition)

    async def archived(self) -> dict[int, int]:
        """The position up to which each partition of `chat.log` is stored, where it is known."""
        return await self._read(progress.positions)

    async def newest_events(self, rooms: Sequence[str]) -> dict[str, int]:
        """The `n` of the newest stored event of each of the rooms that have one."""
        return await self._read(progress.newest_events, [room for room in rooms if storable(room)])

    async def search(
        self, query: str, rooms: Sequence[str], *, before: Place | None = None, limit: int = 50
    ) -> list[Found]:
        """At most `limit` messages of `rooms` that contain `query`, newest first.

        The query may be a part of a word; case and surrounding spaces do not matter, and no
        character has a special meaning. Messages are searched in their present form. `before` is
        the `place` of the last message of the page before.

        A query of one or two characters reads all messages of the rooms (in PostgreSQL also one in
        characters that are not letters in its locale, such as Chinese under `C`); others use an
        index.
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
        """Store moderation actions in their order, each once, and apply them to the queue."""
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
        """At most `limit` items of the rooms (`None`: all), the oldest first, after `after`.

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
        """The audit log of the rooms (`None`: all), the newest first, below `before`."""
        return await self._read(review.account, rooms, before, bounded(limit))

    async def ping(self) -> None:
        """Return if the store can be read; raise `Unreachable` if it does not answer."""
        # Not SELECT 1, which SQLite answers without reading the file.
        await self._read(lambda connection: connection.execute(select(versions.c.version).limit(1)))
