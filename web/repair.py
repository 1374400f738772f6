"""Repair: what Valkey's channels have lost is read from the rooms' windows and delivered."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

import structlog

from app.delivery.view import Logged
from web.marks import Arrived
from web.room import Room

if TYPE_CHECKING:
    from web.hub import Hub

log = structlog.get_logger()


class Repair:
    """Fills the gaps that a later event, a mark, or a lost connection has betrayed."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def before(self, room: Room, logged: Logged) -> None:
        """Deliver what is missing before an event of a room, then the event."""
        await self._fill(room, logged.n - 1)
        self._hub.deliver(room, logged)

    def on_mark(self, data: bytes) -> Awaitable[None] | None:
        """A mark tells how far rooms are; what to await where some are behind."""
        if (arrived := self._hub.marks.take(data)) is None:
            return None
        behind = []
        for room, n, offset in arrived.news():
            if room.n is None:
                if arrived.whole:
                    room.n, room.offset = n, offset
            elif room.n < n:
                behind.append((room, n))
        if behind:
            return self._catch_up(arrived, behind)
        self._arrive(arrived)
        return None

    async def on_back(self) -> None:
        """Look up what was missed while there was no connection, in the order of offsets."""
        hub = self._hub
        for _, _, room, logged in sorted(await self._missed(), key=lambda entry: entry[:2]):
            if (waiting := hub.receive(room, logged)) is not None:
                await waiting
        people = [person for person in hub.roster.people.values() if person.settled]
        names = [person.name for person in people]
        # Where the view is being filled, everybody is told again of the rooms that they are in.
        joined = await hub.lookups.rooms_of_all(names, len(hub.frontier)) or [{}] * len(names)
        for person, rooms in zip(people, joined, strict=True):
            for name, n in rooms.items():
                hub.on_joined(person.name, name, n)
        hub.spawn(hub.marks.ask_again())

    async def _missed(self) -> list[tuple[int, int, Room, Logged]]:
        """What the windows have beyond the rooms as they stand here: partition, offset, event."""
        view, rooms = self._hub.view, self._hub.roster.rooms
        known = [name for name, room in rooms.items() if room.n is not None]
        heads = await view.rooms(known) if known else {}
        missed: list[tuple[int, int, Room, Logged]] = []
        for name, head in heads.items():
            room = rooms[name]
            if room.n is not None and head.n > room.n:
                found = await view.published(name, range(room.n + 1, head.n + 1))
                missed += [(room.partition, logged.offset, room, logged) for logged in found]
        return missed

    async def _catch_up(self, arrived: Arrived, behind: list[tuple[Room, int]]) -> None:
        for room, n in behind:
            await self._fill(room, n)
        self._arrive(arrived)

    def _arrive(self, arrived: Arrived) -> None:
        self._hub.advance(arrived.mark.partition, arrived.position + 1)
        self._hub.marks.settle(arrived)

    async def _fill(self, room: Room, upto: int) -> None:
        """Deliver what is missing up to, with, event `upto`; what the window lacks is reset.

        Raises `Unreachable` where the view was emptied meanwhile: it is published again then.
        """
        hub = self._hub
        if room.n is None or room.n >= upto:
            return
        for logged in await hub.view.published(room.name, range(room.n + 1, upto + 1)):
            if logged.n == room.n + 1:
                hub.deliver(room, logged)
        if room.n < upto:
            log.warning("the window lacks events", room=room.name, after=room.n, upto=upto)
            hub.flush()
            for person in room.people:
                person.since = hub.recent.seq + 1
            for reader in room.audience().everyone:
                reader.reset([room.name])
            room.n, room.offset = upto, max(room.offset, hub.frontier[room.partition])
