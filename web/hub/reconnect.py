"""Recovery: what happened while there was no connection to Valkey is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from app.delivery.view import Logged
from app.domain.leaving import leaver
from web.hub.room import Room
from web.hub.user import Person

if TYPE_CHECKING:
    from web.hub.hub import Hub


class Missed(NamedTuple):
    """An event of a room that came to nobody here; the first two are the order of delivery."""

    partition: int
    offset: int
    room: Room
    logged: Logged


class Recovery:
    """Brings an edge that was cut off up to date, before anything new comes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def on_back(self) -> None:
        """Deliver what was missed in the order of offsets; see who is in other rooms by now."""
        hub = self._hub
        people = [person for person in hub.roster.people.values() if person.settled]
        names = [person.name for person in people]
        # Where the view is being filled, everybody is told again of the rooms that they are in.
        belong = await hub.lookups.rooms_of_all(names, len(hub.frontier))
        places = [] if belong is None else list(zip(people, belong, strict=True))
        # Before the events are read: they have then what led to it, or nothing has it any more.
        lapsed = await self._lapsed(places)
        missed = sorted(await self._missed(), key=lambda one: one[:2])
        self._part(lapsed, missed)
        for _, _, room, logged in missed:
            if (waiting := hub.receive(room, logged)) is not None:
                await waiting
        for person, rooms in places:
            for name, n in rooms.items():
                hub.on_joined(person.name, name, n)
        hub.spawn(hub.marks.ask_again())

    async def _missed(self) -> list[Missed]:
        """What the windows have beyond the rooms as they stand here."""
        view, rooms = self._hub.view, self._hub.roster.rooms
        known = [name for name, room in rooms.items() if room.n is not None]
        heads = await view.rooms(known) if known else {}
        missed: list[Missed] = []
        for name, head in heads.items():
            room = rooms.get(name)
            if room is not None and room.n is not None and head.n > room.n:
                found = await view.published(name, range(room.n + 1, head.n + 1))
                missed += [Missed(room.partition, one.offset, room, one) for one in found]
        return missed

    async def _lapsed(
        self, places: Iterable[tuple[Person, dict[str, int]]]
    ) -> list[tuple[Person, Room]]:
        """Who has left which rooms, whether or not they have joined them again."""
        lapsed = []
        for person, rooms in places:
            others = [room for room, n in person.rooms.items() if rooms.get(room.name) != n]
            if others:
                names = [room.name for room in others]
                since = await self._hub.view.member_since(person.name, names)
                lapsed += [
                    (person, room)
                    for room in others
                    if since.get(room.name) != person.rooms.get(room)
                ]
        return lapsed

    def _part(self, lapsed: Iterable[tuple[Person, Room]], missed: Sequence[Missed]) -> None:
        """Who left by an event that is there hears it yet; of any other, that something is lost."""
        told = {(one.room, leaver(one.logged.event)) for one in missed} if lapsed else set()
        for person, room in lapsed:
            if (room, person.name) not in told:
                self._hub.part(person, room)
                for reader in tuple(person.readers):
                    reader.reset([room.name])
