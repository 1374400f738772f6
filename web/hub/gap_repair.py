"""Repair: what Valkey's channels have lost is read from the rooms' windows and delivered.

What a lost connection has cost is another matter: `web/hub/reconnect.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

import structlog

from app.delivery.view import Logged
from app.errors import Unreachable
from web.hub.room import Room
from web.hub.sync_markers import Arrived
from web.hub.user import Person

if TYPE_CHECKING:
    from web.hub.hub import Hub

log = structlog.get_logger()


class Repair:
    """Fills the gaps that a later event or a mark has betrayed."""

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
            gone = await self._gone(room)
            hub.flush()
            for person in room.people:
                person.since = hub.recent.seq + 1
            for reader in room.audience().everyone:
                reader.reset([room.name])
            room.n, room.offset = upto, max(room.offset, hub.frontier[room.partition])
            for person in gone:
                hub.part(person, room)

    async def _gone(self, room: Room) -> list[Person]:
        """Who is in the room no longer: what they left by may be among what is lost."""
        hub, people = self._hub, list(room.people)
        names = [person.name for person in people]
        found = await hub.lookups.rooms_of_all(names, len(hub.frontier))
        if found is None:
            raise Unreachable("the view in Valkey is being filled")
        return [
            person
            for person, rooms in zip(people, found, strict=True)
            if person.settled and room.name not in rooms
        ]
