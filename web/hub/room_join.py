"""Joining a room while connected: its events begin to come, from the one of joining on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from app.delivery.view import Logged
from app.domain.leaving import leaver, left
from app.errors import Malformed, Unreachable
from app.events import MemberAdded, RoomCreated, decode_log
from app.runtime.retry import AWAY
from web.hub.backfill import item
from web.hub.hub import Hub
from web.hub.room import Room
from web.hub.subscriber import BROKEN, UNAVAILABLE, Reader
from web.hub.user import Person

log: structlog.stdlib.BoundLogger = structlog.get_logger()


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
        elif left(event) == person.name:
            self._on_left(person, event.room, event.n)

    def _on_left(self, person: Person, name: str, n: int) -> None:
        """Where the room was heard already, it has told so itself."""
        if not person.settled:
            person.note_left(name, n)
        room = self._hub.roster.rooms.get(name)
        if room is not None and person.rooms.get(room, n) < n:
            self._hub.part(person, room)

    def _on_joined(self, user: str, name: str, n: int) -> None:
        hub = self._hub
        person = hub.roster.people.get(user)
        if person is None or person.has_left(name, n):
            return
        if hub.roster.rooms.get(name) in person.rooms:
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

    async def _join(self, person: Person, readers: Sequence[Reader], room: Room) -> None:
        hub = self._hub
        try:
            await self._bring(person, readers, room)
        except AWAY as error:
            log.info("a room could not be joined", error=repr(error))
            _send_away(person, *UNAVAILABLE)
        except Exception:
            log.exception("a room could not be joined", user=person.name, room=room.name)
            _send_away(person, *BROKEN)
        finally:
            person.joining -= 1
            person.since = hub.recent.seq + 1
            for reader in readers:
                hub.release(reader)

    async def _bring(self, person: Person, readers: Sequence[Reader], room: Room) -> None:
        subscription = self._hub.subscription
        connection = -1
        # Lost meanwhile, and with it perhaps an event of a room that nobody else knew: look again.
        while connection != subscription.count and room in person.rooms:
            connection = subscription.count
            await subscription.add([room.channel])
            await self._catch_up(person, readers, room)

    async def _catch_up(self, person: Person, readers: Sequence[Reader], room: Room) -> None:
        told = person.rooms.get(room)
        # While the view is filled again, everybody is told of all rooms that they ever joined.
        n = await self._hub.view.joined(room.name, person.name)
        known = person.rooms.get(room)
        if n is None or known is None or known != told:
            # They have left meanwhile. If they came again, that is another joining.
            if known == told:
                self._hub.part(person, room)
            _forget(readers, room, person.rooms.get(room))
            return
        person.rooms[room] = n
        await self._read(person.name, readers, room, n)
        if not await self._hub.marks.mark([room]):
            raise Unreachable("the view in Valkey is being filled")

    async def _read(self, user: str, readers: Sequence[Reader], room: Room, n: int) -> None:
        """Have the events from `n` on wait for the readers, as far as there are any yet."""
        if not readers:
            return
        view = self._hub.view
        head = await view.room(room.name)
        if head is None:
            return
        wanted = range(n, head.n + 1)
        missed = await view.published(room.name, wanted)
        lacking = [logged.n for logged in missed] != list(wanted)
        items = [item(room, logged) for logged in _stay(user, missed, n)]
        for reader in readers:
            if lacking:
                reader.reset([room.name])
            reader.waiting += items


def _stay(user: str, events: Sequence[Logged], joined: int) -> Sequence[Logged]:
    """The events up to that by which somebody left again, if there is one."""
    for index, logged in enumerate(events):
        if logged.n > joined and leaver(logged.event) == user:
            return events[: index + 1]
    return events


def _forget(readers: Sequence[Reader], room: Room, joined: int | None) -> None:
    """Let none of the room's events wait, or none from before it was joined."""
    for reader in readers:
        reader.waiting = [
            one
            for one in reader.waiting
            if one.room != room.name or (joined is not None and one.n >= joined)
        ]


def _send_away(person: Person, code: str, reason: str) -> None:
    """Nothing is known of a room of theirs: whoever comes back looks it up."""
    person.settled = False
    for reader in tuple(person.readers):
        reader.end(code, reason)
