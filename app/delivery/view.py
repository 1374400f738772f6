"""Reads of the view in Valkey, for edges and operators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.epoch_gate import EpochGate
from app.delivery.snapshot import Snapshots
from app.errors import Unreachable
from app.events import RoomSettings, SanctionSet, decode_log
from app.topics import partition_of


class RoomHead(NamedTuple):
    """A room as it is now; `pos` is that of its newest event, `seq` that of its last message.

    `epoch` is the epoch of `chat.log` from which it is known.
    `users` are the two of a direct room; `members_n` is the last event that changed the members.
    `last_by` and `last_text` are of the last message: the text is cut, and empty if deleted.
    """

    room: str
    partition: int
    n: int
    seq: int
    pos: int
    type: str
    name: str
    topic: str = ""
    users: tuple[str, ...] = ()
    settings: RoomSettings = RoomSettings()
    archived: bool = False
    at_ms: int = 0
    members_n: int = 0
    last_by: str = ""
    last_text: str = ""
    epoch: int = 0


#: Rooms that are looked up one by one in those of another user, and users of one round trip.
_FEW = 50
_PORTION = 25

#: Events by which a room may grow while it is being read.
_AHEAD = 100


class Logged(NamedTuple):
    """An event of a room's window: its number, its `pos` in `chat.log`, its JSON."""

    n: int
    pos: int
    event: bytes


class View:
    """The rooms as published: a read is never older than an answer that was given before it.

    Raises `Unreachable` while the view is being refilled; a `partial` reader gets what is there.
    """

    def __init__(
        self,
        redis: aioredis.Redis,
        partitions: int,
        *,
        partial: bool = False,
        gate: EpochGate | None = None,
    ) -> None:
        self._redis: Any = redis
        self._partitions = partitions
        self._snapshots = Snapshots(redis, partial=partial, gate=gate)

    def partition(self, room: str) -> int:
        """The partition of a room in `chat.log`."""
        return partition_of(room, self._partitions)

    async def rooms_of(self, user: str) -> dict[str, int]:
        """The rooms of which the user is a member, each with the `n` of joining.

        Also where the view of a partition is being refilled, once its memberships are back.
        """
        return (await self.rooms_of_all([user]))[0]

    async def rooms_of_all(self, users: Sequence[str]) -> list[dict[str, int]]:
        """The rooms of each of the users, as `rooms_of`, in one round trip."""
        return [
            {room.decode(): int(n) for room, n in rooms.items() if not n.startswith(b"-")}
            for rooms in await self._places_of(users)
        ]

    async def common_rooms(
        self, rooms: Collection[str], users: Sequence[str]
    ) -> list[dict[str, int]]:
        """Those of the rooms in which each of the users is, with the `n` of joining.

        The work is in proportion to these rooms or to theirs, and in portions, so that a user in
        thousands of rooms holds up nobody else.
        """
        found: list[dict[str, int]] = []
        for start in range(0, len(users), _PORTION):
            portion = users[start : start + _PORTION]
            if len(rooms) <= _FEW:
                found += await self._places_among(list(rooms), portion)
            else:
                found += await self.rooms_of_all(portion)
        return found

    async def _places_among(
        self, rooms: Sequence[str], users: Sequence[str]
    ) -> list[dict[str, int]]:
        if not rooms:
            return [{} for _ in users]

        async def ask(pipe: Any) -> None:
            for user in users:
                pipe.hmget(keys.rooms_of(user), rooms)

        found = await self._snapshots.take(self._membership_signs(), ask)
        return [
            {
                room: int(n)
                for room, n in zip(rooms, places, strict=True)
                if n is not None and not n.startswith(b"-")
            }
            for places in found
        ]

    async def ever_in(self, user: str) -> list[str]:
        """The rooms of which the user is or was a member."""
        return [room.decode() for room in (await self._places_of([user]))[0]]

    async def _places_of(self, users: Sequence[str]) -> list[dict[bytes, bytes]]:
        async def ask(pipe: Any) -> None:
            for user in users:
                pipe.hgetall(keys.rooms_of(user))

        return await self._snapshots.take(self._membership_signs(), ask)

    def _membership_signs(self) -> list[tuple[str, str]]:
        """Without these the users' rooms are not complete."""
        return [(keys.whole(place), keys.memberships(place)) for place in range(self._partitions)]

    async def joined(self, room: str, user: str) -> int | None:
        """The `n` at which the user joined; `None` if the user is not a member."""
        found = await self._one([self.partition(room)], "HGET", keys.rooms_of(user), room)
        return int(found) if found is not None and int(found) > 0 else None

    async def members(self, room: str) -> dict[str, str]:
        """The members of the room, with their roles."""
        place = self.partition(room)
        found = await self._one([place], "HGETALL", keys.members(place, room))
        return {user.decode(): entry.split()[0].decode() for user, entry in found.items()}

    async def members_count(self, room: str) -> int:
        """How many members the room has."""
        place = self.partition(room)
        return int(await self._one([place], "HLEN", keys.members(place, room)))

    async def roles(self, user: str, rooms: list[str]) -> dict[str, str]:
        """The user's role in each of the rooms with the user as a member, in one round trip."""
        places = {room: self.partition(room) for room in rooms}
        commands = [("HGET", keys.members(place, room), user) for room, place in places.items()]
        found = await self._all(set(places.values()), commands)
        return {
            room: entry.split()[0].decode()
            for room, entry in zip(places, found, strict=True)
            if entry is not None
        }

    async def member_since(self, user: str, rooms: Collection[str]) -> dict[str, int]:
        """The `n` of joining for each of the rooms with the user as a member.

        Unlike `joined` this is of the same moment as the room's events, never ahead of them.
        """
        places = {room: self.partition(room) for room in rooms}
        commands = [("HGET", keys.members(place, room), user) for room, place in places.items()]
        found = await self._all(set(places.values()), commands)
        return {
            room: int(entry.split()[1])
            for room, entry in zip(places, found, strict=True)
            if entry is not None
        }

    async def sanctions(self, room: str) -> dict[str, SanctionSet]:
        """The sanctions of a room by user, expired ones included."""
        place = self.partition(room)
        found = await self._one([place], "HGETALL", keys.sanctions(place, room))
        events = {user.decode(): decode_log(raw) for user, raw in found.items()}
        return {user: one for user, one in events.items() if isinstance(one, SanctionSet)}

    async def sanction(self, room: str, user: str) -> SanctionSet | None:
        """The user's sanction in a room, which may have expired; `None` for none."""
        place = self.partition(room)
        found = await self._one([place], "HGET", keys.sanctions(place, room), user)
        event = None if found is None else decode_log(found)
        return event if isinstance(event, SanctionSet) else None

    async def publish_to_user(self, user: str, state: bytes) -> None:
        """Publish a transient state to one user's devices."""
        await self._redis.publish(keys.user(user), state)

    async def room(self, room: str) -> RoomHead | None:
        """The room's head; `None` if there is no such room."""
        return (await self.rooms([room])).get(room)

    async def rooms(self, rooms: list[str]) -> dict[str, RoomHead]:
        """The heads of those of the rooms that exist, in one round trip."""
        places = {room: self.partition(room) for room in rooms}
        epochs = dict.fromkeys(places.values(), 0)
        commands = [("HGETALL", keys.room(place, room)) for room, place in places.items()]
        commands += [("GET", keys.epoch(place)) for place in epochs]
        found = await self._all(set(epochs), commands)
        epochs |= zip(epochs, (int(epoch or 0) for epoch in found[len(places) :]), strict=True)
        return {
            room: _head(room, place, fields)._replace(epoch=epochs[place])
            for (room, place), fields in zip(places.items(), found, strict=False)
            if fields
        }

    async def publish_to_room(self, room: str, state: bytes) -> None:
        """Publish a transient state, such as typing, to the room's readers."""
        channel = keys.channel(self.partition(room), room)
        await self._redis.publish(channel, b"- " + state)

    async def newest(self, room: str, limit: int) -> list[bytes]:
        """The newest events of the room's window, in ascending order."""
        head = await self.room(room)
        if head is None:
            return []
        return [logged.event for logged in reversed(await self.before(room, head.n, limit))]

    async def since(self, room: str, n: int, limit: int) -> list[Logged]:
        """The room's events after `n` that the window still has, in ascending order."""
        return await self._window(room, range(n + 1, n + 1 + limit))

    async def before(self, room: str, n: int, limit: int) -> list[Logged]:
        """The room's events up to and including `n` that the window still has, newest first."""
        return await self._window(room, range(n, max(0, n - limit), -1))

    async def window(self, room: str) -> list[Logged]:
        """All events of the room's window, in ascending order."""
        place = self.partition(room)
        found: dict[bytes, bytes] = await self._one([place], "HGETALL", keys.log(place, room))
        return sorted(_logged(int(n), raw) for n, raw in found.items())

    async def newer(self, room: str, n: int, head: int) -> list[Logged]:
        """The room's events after `n` that the window has, in ascending order, up to the newest.

        `head` is an `n` that the room had before this call. The events are all of one moment: a
        newer edit has emptied an older one only if it is there itself.
        """
        while True:
            found = await self._window(room, range(n + 1, head + _AHEAD + 1))
            newest = found[-1].n if found else head
            if newest < head + _AHEAD:
                return found
            head = newest

    async def published(self, room: str, numbers: range) -> list[Logged]:
        """Those of these published events that the window still has.

        Raises `Unreachable` if the view was emptied since and has not reached them again: then
        nothing is lost, and they will be published once more.
        """
        if not numbers:
            return []
        place = self.partition(room)
        head = ("HGET", keys.room(place, room), "n")
        n, found = await self._all([place], [head, ("HMGET", keys.log(place, room), *numbers)])
        if int(n or 0) < max(numbers):
            raise Unreachable("the view in Valkey is being filled")
        return _present(numbers, found)

    async def _window(self, room: str, numbers: range) -> list[Logged]:
        if not numbers:
            return []
        place = self.partition(room)
        return _present(numbers, await self._one([place], "HMGET", keys.log(place, room), *numbers))

    async def _one(self, places: Collection[int], *command: Any) -> Any:
        return (await self._all(places, [command]))[0]

    async def _all(self, places: Collection[int], commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The replies to commands about these partitions, all of one moment."""
        if not commands:
            return []

        async def ask(pipe: Any) -> None:
            for command in commands:
                pipe.execute_command(*command)

        return await self._snapshots.take([keys.whole(place) for place in places], ask)


def _head(room: str, partition: int, fields: dict[bytes, bytes]) -> RoomHead:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode()

    return RoomHead(
        room=room,
        partition=partition,
        n=int(fields[b"n"]),
        seq=int(fields.get(b"seq", 0)),
        pos=int(fields[b"offset"]),
        type=text(b"type"),
        name=text(b"name"),
        topic=text(b"topic"),
        users=tuple(dict.fromkeys(text(b"user").split())),
        settings=_settings(fields.get(b"settings", b"{}")),
        archived=bool(fields.get(b"archived")),
        at_ms=int(fields.get(b"at_ms", 0)),
        members_n=int(fields.get(b"members_n", 0)),
        last_by=text(b"last_by"),
        last_text=text(b"last_text"),
    )


_settings = msgspec.json.Decoder(RoomSettings).decode


def _present(numbers: range, found: Sequence[bytes | None]) -> list[Logged]:
    return [_logged(n, raw) for n, raw in zip(numbers, found, strict=True) if raw is not None]


def _logged(n: int, raw: bytes) -> Logged:
    pos, event = raw.split(b" ", 1)
    return Logged(n, int(pos), event)
