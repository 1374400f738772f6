"""Reconnect: events that came while there was no connection to Valkey are looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from app.delivery.lookups import Lookups
from app.delivery.view import Logged, View
from app.domain.leaving import leaver
from web.hub.delivery_state import DeliveryState
from web.hub.gap_repair import GapRepair
from web.hub.room import Room, User
from web.hub.room_join import RoomJoins


class MissedEvent(NamedTuple):
    """An event that was not delivered here; the first two fields are the order of delivery."""

    partition: int
    pos: int
    room: Room
    logged: Logged


class Reconnect:
    """Brings an edge that was disconnected up to date, before any new event comes."""

    def __init__(
        self,
        state: DeliveryState,
        view: View,
        lookups: Lookups,
        repair: GapRepair,
        joins: RoomJoins,
    ) -> None:
        self._state = state
        self._view = view
        self._lookups = lookups
        self._repair = repair
        self._joins = joins

    async def catch_up(self) -> None:
        """Deliver the missed events in the order of positions, and follow changed memberships."""
        state = self._state
        users = [user for user in state.registry.users.values() if user.settled]
        names = [user.name for user in users]
        # While the view is being refilled, it tells every user again of all their rooms.
        found = await self._lookups.rooms_of_all(names, len(state.frontier))
        memberships = [] if found is None else list(zip(users, found.rooms, strict=True))
        refilled: Collection[int] = () if found is None else found.refilled
        # Looked up before the events are read: the events then have the reason, if any has it.
        lapsed = await self._lapsed(memberships, refilled)
        missed = sorted(await self._missed(), key=lambda one: one[:2])
        self._part(lapsed, missed)
        for _, _, room, logged in missed:
            if (waiting := self._repair.receive(room, logged)) is not None:
                await waiting
        for user, rooms in memberships:
            for name, n in rooms.items():
                if self._view.partition(name) not in refilled:
                    self._joins.join(user.name, name, n)

    async def _missed(self) -> list[MissedEvent]:
        """The events that the windows have beyond the rooms' newest here."""
        rooms = self._state.registry.rooms
        known = [name for name, room in rooms.items() if room.n is not None]
        heads = await self._view.rooms(known) if known else {}
        missed: list[MissedEvent] = []
        for name, head in heads.items():
            room = rooms.get(name)
            if room is not None and room.n is not None and head.n > room.n:
                found = await self._view.published(name, range(room.n + 1, head.n + 1))
                missed += [MissedEvent(room.partition, one.pos, room, one) for one in found]
        return missed

    async def _lapsed(
        self, memberships: Iterable[tuple[User, dict[str, int]]], refilled: Collection[int]
    ) -> list[tuple[User, Room]]:
        """Users with the rooms that they have left, whether or not they have joined them again."""
        lapsed = []
        for user, rooms in memberships:
            others = [
                room
                for room, n in user.rooms.items()
                if rooms.get(room.name) != n and room.partition not in refilled
            ]
            if others:
                names = [room.name for room in others]
                since = await self._view.member_since(user.name, names)
                lapsed += [
                    (user, room) for room in others if since.get(room.name) != user.rooms.get(room)
                ]
        return lapsed

    def _part(self, lapsed: Iterable[tuple[User, Room]], missed: Sequence[MissedEvent]) -> None:
        """Part users from rooms that they have left by an event that is lost, and reset those.

        Where the event is among the missed ones, it is delivered to the user as their last.
        """
        told = {(one.room, leaver(one.logged.event)) for one in missed} if lapsed else set()
        for user, room in lapsed:
            if (room, user.name) not in told:
                self._state.part(user, room)
                for subscriber in tuple(user.subscribers):
                    self._state.tell_reset(subscriber, room)
