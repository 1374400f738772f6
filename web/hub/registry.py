"""Who reads at this edge, and the rooms that they hear."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from app.delivery import keys
from app.delivery.view import View
from web.hub.room import Room
from web.hub.subscriber import Reader
from web.hub.user import Person


class Roster:
    """The people and the rooms of an edge, kept a while after the last reader has gone."""

    def __init__(self, view: View) -> None:
        self.rooms: dict[str, Room] = {}
        self.people: dict[str, Person] = {}
        #: People without a reader, by when the last one went; the first to be given up first.
        self.idle: dict[Person, float] = {}
        #: The rooms by their channels in Valkey.
        self.heard: dict[bytes, Room] = {}
        self._view = view

    def person(self, name: str) -> Person:
        """Somebody's place here, a new one where there is none."""
        person = self.people.get(name)
        if person is None:
            person = self.people[name] = Person(name)
            self.idle[person] = asyncio.get_running_loop().time()
        return person

    def attach(self, reader: Reader) -> None:
        """The reader takes part."""
        person = reader.person
        self.people[person.name] = person
        person.readers.append(reader)
        self.idle.pop(person, None)
        person.changed()

    def leave(self, reader: Reader) -> None:
        """The reader is gone; its rooms stay subscribed for a while, should it come back."""
        person = reader.person
        if reader in person.readers:
            person.readers.remove(reader)
            person.changed()
            if not person.readers:
                self.idle[person] = asyncio.get_running_loop().time()

    def follow(self, person: Person, rooms: Mapping[str, int]) -> None:
        """Let the rooms' events go to the person, each from its `n` on."""
        for name, n in rooms.items():
            room = self.rooms.get(name) or self._new_room(name)
            person.rooms[room] = n
            room.add(person)

    def give_up(self, people: Iterable[Person]) -> list[bytes]:
        """Forget these people, who have no readers; the channels that nobody needs any more."""
        channels = []
        for person in people:
            self.idle.pop(person, None)
            self.people.pop(person.name, None)
            channels.append(keys.user(person.name).encode())
            person.settled = False
            for room in tuple(person.rooms):
                channels += self.part(person, room)
        return channels

    def part(self, person: Person, room: Room) -> list[bytes]:
        """The person hears the room no longer; its channel, if nobody here does."""
        person.rooms.pop(room, None)
        room.discard(person)
        if room.people or self.rooms.get(room.name) is not room:
            return []
        del self.rooms[room.name], self.heard[room.channel]
        return [room.channel]

    def _new_room(self, name: str) -> Room:
        room = self.rooms[name] = Room(name, self._view.partition(name))
        self.heard[room.channel] = room
        return room
