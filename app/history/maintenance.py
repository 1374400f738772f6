"""Maintenance of a history store: dropping, erasing, tidying, and its figures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.history import epochs, log_cut, ownership, progress, review, room_state
from app.history.database import Database
from app.history.entry import Entry, storable
from app.history.erasure import Erasure, Scope, stored
from app.history.forgotten import mark
from app.history.log_cut import RoomCut, RoomEnd
from app.history.outage import outages
from app.history.pages import bounded
from app.history.retention import drop, raise_floor
from app.history.room_state import LogRow, RoomState
from app.history.tidy import tidy
from app.runtime.clock import now_ms

_ROWS = 2000


class Maintenance(Database):
    """The operations of a history store besides writing and reading messages."""

    async def deployment(self) -> str:
        """The id of the deployment whose store this is; empty where that is not known."""
        return await self._read(ownership.deployment)

    async def belong_to(self, deployment: str) -> None:
        """Write the id of the deployment whose store this is."""
        await self._write(ownership.belong_to, deployment)

    async def drop_before(self, room: str, at_ms: int) -> int:
        """Drop the room's messages before the first from `at_ms` on; returns how many.

        Neither they nor the events about them leave rows, also when they come again. Takes several
        transactions; to be repeated after an error.
        """
        if not storable(room):
            return 0
        self._tidied = False
        await self._write(raise_floor, room, bounded(at_ms))
        dropped = 0
        while some := await self._write(drop, room):
            dropped += some
        return dropped

    async def forget(
        self,
        user: str,
        *,
        until_ms: int | None = None,
        ends: Sequence[int] = (),
        beyond: Callable[[], Awaitable[Mapping[str, int]]] | None = None,
    ) -> int:
        """Erase the user's messages in all rooms; returns how many.

        Those below `ends` in `chat.log`, by partition; `beyond` looks up, for each room, the first
        event that is not below. Without `ends` those until now (or `until_ms`).

        The messages are then like deleted ones, with `by` and `client_id` empty. The user's
        reactions are removed, and mentions of the user by others, whose text stays. Events about
        memberships keep the name. Erased messages stay erased when they come again, from Kafka for
        instance. Takes several transactions; to be repeated after an error.
        """
        if not storable(user):
            return 0
        until_ms = now_ms() if until_ms is None else until_ms
        self._tidied = False
        await self._write(mark, user, until_ms, ends)
        scope = Scope(until_ms)
        if beyond is not None:
            # In this order: every event that the store has by then is in the log that is looked up.
            before = await self._read(stored, user)
            scope = Scope(until_ms, before, await beyond())
        erasure = Erasure(user, scope)
        erased = 0
        for step in (erasure.messages, erasure.events, erasure.reactions, erasure.mentions):
            after: Any = None
            while True:
                count, after = await self._write(step, after)
                erased += count if step == erasure.messages else 0
                if after is None:
                    break
        await self._write(review.forget, user, until_ms)
        return erased

    async def announce(
        self, partition: int, begun: Sequence[epochs.Begun], erased: Mapping[str, int]
    ) -> int | None:
        """Take nothing any more that these epochs of the log have cut off.

        Returns the `pos` from which on the partition is to be cut, `None` where it is cut already.
        `erased` has the position below which the words of each forgotten user are erased now.
        """
        return await self._write(epochs.announce, partition, begun, erased)

    async def note_cut(self, partition: int, epoch: int) -> None:
        """Note that nothing is left of what epochs up to this one have cut off."""
        await self._write(epochs.note_cut, partition, epoch)

    async def epochs(self) -> dict[int, int]:
        """The epoch that each partition was last cut for, where it is not the first one."""
        return await self._read(epochs.cut_for)

    async def beyond(self, ends: Mapping[str, RoomEnd]) -> list[str]:
        """Those of the rooms that have something beyond their end."""
        return await self._read(log_cut.beyond, ends)

    async def changed(self, room: str, end: RoomEnd) -> set[int]:
        """The messages up to the end that an event beyond it has changed."""
        return await self._read(log_cut.changed, room, end)

    async def cut(self, given: RoomCut, partition: int | None = None) -> bool:
        """Remove what lies beyond the room's end.

        False where other messages than the wanted ones have changed. With a `partition`, only while
        that is to be cut.
        """
        self._tidied = False
        return await self._write(log_cut.cut, given, partition)

    async def drop_stray_reports(self) -> None:
        """Drop the review queue's items about messages that no room has reached."""
        await self._write(log_cut.drop_stray_reports)

    async def unclaim(self, partition: int) -> None:
        """Forget up to which position the partition is stored."""
        await self._write(progress.unclaim, partition)

    async def differing(self, entries: Sequence[Entry]) -> list[tuple[str, int]]:
        """The events (room, n) that the store has otherwise than the log."""
        return await self._read(log_cut.differing, entries)

    async def tidy(self) -> None:
        """Remove edited, deleted and erased texts from the disk.

        To be called by an archive from time to time. Returns at once if this `History` has deleted
        nothing since the last call.
        """
        if self._tidied:
            return
        with outages():
            self._tidied = True
            try:
                await tidy(self._engine)
            except BaseException:
                self._tidied = False
                raise

    async def rooms(self) -> list[str]:
        """The rooms with a stored event, in the order of their bytes."""
        return await self._read(room_state.rooms)

    async def state(self, room: str) -> RoomState:
        """The room's figures, to be compared with a recount from Kafka."""
        return await self._read(room_state.state, room)

    async def events_after(self, room: str, n: int, most: int) -> list[LogRow]:
        """At most so many stored events of the room above `n`, ascending."""
        return await self._read(room_state.rows, room, n, most)

    async def events(self, room: str) -> AsyncIterator[LogRow]:
        """The room's stored events, ascending by `n`."""
        last = 0
        while page := await self._read(room_state.rows, room, last, _ROWS):
            for row in page:
                yield row
            last = page[-1].n
