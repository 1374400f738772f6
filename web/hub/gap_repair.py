"""Repair of gaps: events that Valkey's channels lost are read from the rooms' windows.

`web/hub/reconnect.py` does so after a lost connection.
"""

from __future__ import annotations

from collections.abc import Awaitable

import structlog

from app.delivery.lookups import Lookups
from app.delivery.view import Logged, View
from app.errors import Unreachable
from web.hub.delivery_state import DeliveryState
from web.hub.room import Room, User
from web.hub.sync_markers import ArrivedMarker, SyncMarkers

log = structlog.get_logger()


class GapRepair:
    """Delivers the next event of a room, and before it the ones that are missing."""

    def __init__(
        self, state: DeliveryState, view: View, lookups: Lookups, markers: SyncMarkers
    ) -> None:
        self._state = state
        self._view = view
        self._lookups = lookups
        self._markers = markers

    def receive(self, room: Room, logged: Logged) -> Awaitable[None] | None:
        """Deliver an event of a room; where events before it are missing, what to await."""
        if room.n is not None:
            if logged.n <= room.n:
                return None
            if logged.n > room.n + 1:
                return self._receive_behind_gap(room, logged)
        self._state.deliver(room, logged)
        return None

    def on_marker(self, data: bytes) -> Awaitable[None] | None:
        """Take a marker, which has the heads of rooms; where rooms are behind, what to await."""
        if (arrived := self._markers.take(data)) is None:
            return None
        behind = []
        for room, n, pos in arrived.news():
            if room.n is None:
                if arrived.whole:
                    room.n, room.pos = n, pos
            elif room.n < n:
                behind.append((room, n))
        if behind:
            return self._catch_up(arrived, behind)
        self._arrive(arrived)
        return None

    async def _receive_behind_gap(self, room: Room, logged: Logged) -> None:
        await self._fill(room, logged.n - 1)
        self._state.deliver(room, logged)

    async def _catch_up(self, arrived: ArrivedMarker, behind: list[tuple[Room, int]]) -> None:
        for room, n in behind:
            await self._fill(room, n)
        self._arrive(arrived)

    def _arrive(self, arrived: ArrivedMarker) -> None:
        self._state.advance(arrived.marker.partition, arrived.position + 1)
        self._markers.settle(arrived)

    async def _fill(self, room: Room, upto: int) -> None:
        """Deliver the missing events of a room up to `upto`; reset it where the window lacks some.

        Raises `Unreachable` where the view was emptied meanwhile: it will be published again.
        """
        state = self._state
        if room.n is None or room.n >= upto:
            return
        for logged in await self._view.published(room.name, range(room.n + 1, upto + 1)):
            if logged.n == room.n + 1:
                state.deliver(room, logged)
        state.metrics.gaps.add("lost" if room.n < upto else "repaired")
        if room.n < upto:
            log.warning("the window lacks events", room=room.name, after=room.n, upto=upto)
            gone = await self._no_longer_in(room)
            state.reset(room, upto)
            for user in gone:
                if not user.settled:
                    # Their rooms, which are being looked up, may be older than this.
                    user.note_left(room.name, upto + 1)
                state.part(user, room)

    async def _no_longer_in(self, room: Room) -> list[User]:
        """The users who have left the room, perhaps by one of the lost events."""
        users = list(room.users)
        names = [user.name for user in users]
        found = await self._lookups.rooms_of_all(names, len(self._state.frontier))
        if found is None or room.partition in found.refilled:
            raise Unreachable("the view in Valkey is being filled")
        return [
            user for user, rooms in zip(users, found.rooms, strict=True) if room.name not in rooms
        ]
