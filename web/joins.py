"""Joining a room while connected: its events begin to come, from the one of joining on."""

from __future__ import annotations

import asyncio

from app.errors import Malformed, Unreachable
from app.events import MemberAdded, RoomCreated, decode_log
from app.patience import AWAY
from web.hub import Hub
from web.person import Person
from web.reader import Reader
from web.replay import item
from web.room import Room


class Joins:
    """Brings readers into the rooms that they join later."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._joining: set[asyncio.Task[None]] = set()
        hub.on_joined = self._on_joined
        hub.on_personal = self._on_personal

    def _on_personal(self, person: Person, data: bytes) -> None:
        try:
            event = decode_log(data)
        except Malformed:  # a state of one's own, such as unread
            self._hub.tell(person.readers, data)
            return
        if isinstance(event, MemberAdded | RoomCreated):
            self._on_joined(person.name, event.room, event.n)

    def _on_joined(self, user: str, name: str, n: int) -> None:
        hub = self._hub
        person = hub.roster.people.get(user)
        if person is None or hub.roster.rooms.get(name) in person.rooms:
            return
        hub.flush()
        readers = tuple(person.readers)
        for reader in readers:
            hub.hold(reader)
        hub.roster.follow(person, {name: n})
        person.joining += 1
        task = asyncio.create_task(self._join(person, readers, hub.roster.rooms[name]))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, person: Person, readers: tuple[Reader, ...], room: Room) -> None:
        hub = self._hub
        try:
            await hub.subscription.add([room.channel])
            await self._catch_up(person, readers, room)
        except AWAY:
            # Nothing is known of the room: whoever comes back looks it up.
            person.settled = False
            for reader in readers:
                reader.end("unavailable", "The live state is away for a moment.")
            return
        finally:
            person.joining -= 1
            person.since = hub.recent.seq + 1
        for reader in readers:
            hub.release(reader)

    async def _catch_up(self, person: Person, readers: tuple[Reader, ...], room: Room) -> None:
        # While the view is filled again, everybody is told of all rooms that they ever joined.
        n = await self._hub.view.joined(room.name, person.name)
        if n is None:
            person.rooms.pop(room, None)
            room.discard(person)
            for reader in readers:
                reader.waiting = [item for item in reader.waiting if item.room != room.name]
            return
        person.rooms[room] = n
        await self._read(readers, room, n)
        if not await self._hub.marks.mark([room]):
            raise Unreachable("the view in Valkey is being filled")

    async def _read(self, readers: tuple[Reader, ...], room: Room, n: int) -> None:
        """Have the events from `n` on wait for the readers, as far as there are any yet."""
        if not readers:
            return
        view = self._hub.view
        head = await view.room(room.name)
        if head is None:
            return
        missed = await view.published(room.name, range(n, head.n + 1))
        for reader in readers:
            reader.waiting += [item(room, logged) for logged in missed]
