"""Keeping a history store: dropping, erasing, tidying, and looking at what is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from app.history import review, room_state
from app.history.database import Database
from app.history.entry import storable
from app.history.erasure import Erasure
from app.history.forgotten import mark
from app.history.outage import outages
from app.history.pages import bounded
from app.history.retention import drop, raise_floor
from app.history.room_state import LogRow, RoomState
from app.history.tidy import tidy
from app.runtime.clock import now_ms

_ROWS = 2000


class Maintenance(Database):
    """What is done to a history store besides writing and reading messages."""

    async def drop_before(self, room: str, at_ms: int) -> int:
        """Drop the room's messages before the first from `at_ms` on; returns how many.

        They leave no rows, nor do the events about them, also where they come again. Takes
        several transactions; after an error, do it again.
        """
        if not storable(room):
            return 0
        self._tidied = False
        await self._write(raise_floor, room, bounded(at_ms))
        dropped = 0
        while some := await self._write(drop, room):
            dropped += some
        return dropped

    async def forget(self, user: str, *, until_ms: int | None = None) -> int:
        """Erase what `user` said in any room until now (or `until_ms`); returns how many messages.

        These are then as deleted ones, with `by` and `client_id` empty. Their reactions are gone;
        where others mention them, the text stays, but the mention does not. Events that tell who
        came and went keep the name. What was erased stays so where it comes again, from Kafka for
        instance. Takes several transactions; after an error, do it again.
        """
        if not storable(user):
            return 0
        until_ms = now_ms() if until_ms is None else until_ms
        self._tidied = False
        await self._write(mark, user, until_ms)
        erasure = Erasure(user, until_ms)
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

    async def tidy(self) -> None:
        """Make what edits, deletions and erasures took away go from the disk, too.

        For an archive to do now and then. It returns at once where this `History` has changed
        nothing since the last time.
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
        """The rooms of which anything was stored, in the order of their bytes."""
        return await self._read(room_state.rooms)

    async def state(self, room: str) -> RoomState:
        """The room's figures, to be compared with a recount from Kafka."""
        return await self._read(room_state.state, room)

    async def events(self, room: str) -> AsyncIterator[LogRow]:
        """The room's stored events, ascending by `n`."""
        last = 0
        while page := await self._read(room_state.rows, room, last, _ROWS):
            for row in page:
                yield row
            last = page[-1].n
