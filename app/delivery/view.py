"""Reading the view in Valkey: the port that the edge reads through."""

from __future__ import annotations

from typing import Any, NamedTuple

from redis import asyncio as aioredis

from app.delivery import keys
from app.topics import partition_of


class RoomHead(NamedTuple):
    """A room and where its log stands; `offset` is its newest event's in `chat.log`."""

    room: str
    partition: int
    n: int
    seq: int
    offset: int
    type: str
    name: str


class Logged(NamedTuple):
    """An event of a room's window: its number, its offset in `chat.log`, its JSON."""

    n: int
    offset: int
    event: bytes


class View:
    """What `fan_out` has published: a reading is never older than an answer given before it."""

    def __init__(self, redis: aioredis.Redis, partitions: int) -> None:
        self._redis: Any = redis
        self._partitions = partitions

    def partition(self, room: str) -> int:
        """The partition of `chat.log` that a room is on."""
        return partition_of(room, self._partitions)

    async def rooms_of(self, user: str) -> dict[str, int]:
        """The rooms that a user belongs to, each with the `n` of joining."""
        rooms = await self._redis.hgetall(keys.rooms_of(user))
        return {room.decode(): int(n) for room, n in rooms.items()}

    async def joined(self, room: str, user: str) -> int | None:
        """The `n` at which the user joined, `None` for who is no member."""
        found = await self._redis.hget(keys.members(self.partition(room), room), user)
        return None if found is None else int(found.split()[1])

    async def members(self, room: str) -> dict[str, str]:
        """Everybody in the room, with their roles."""
        found = await self._redis.hgetall(keys.members(self.partition(room), room))
        return {user.decode(): entry.split()[0].decode() for user, entry in found.items()}

    async def room(self, room: str) -> RoomHead | None:
        """The room's head, `None` where there is no such room."""
        return (await self.rooms([room])).get(room)

    async def rooms(self, rooms: list[str]) -> dict[str, RoomHead]:
        """The heads of those of the rooms that there are, in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for room in rooms:
                pipe.hgetall(keys.room(self.partition(room), room))
            found = await pipe.execute()
        return {
            room: _head(room, self.partition(room), fields)
            for room, fields in zip(rooms, found, strict=True)
            if fields
        }

    async def newest(self, room: str, limit: int) -> list[bytes]:
        """The newest events of the room's window, in ascending order."""
        found = await self._redis.xrevrange(keys.log(self.partition(room), room), count=limit)
        return [fields[b"e"] for _, fields in reversed(found)]

    async def since(self, room: str, n: int, limit: int) -> list[Logged]:
        """The room's events after `n` that the window still has, in ascending order."""
        key = keys.log(self.partition(room), room)
        found = await self._redis.xrange(key, min=f"({n}-0", count=limit)
        return [_logged(id_, fields) for id_, fields in found]

    async def before(self, room: str, n: int, limit: int) -> list[Logged]:
        """The room's events up to and with `n`, newest first."""
        key = keys.log(self.partition(room), room)
        found = await self._redis.xrevrange(key, max=f"{n}-0", count=limit)
        return [_logged(id_, fields) for id_, fields in found]


def _head(room: str, partition: int, fields: dict[bytes, bytes]) -> RoomHead:
    return RoomHead(
        room=room,
        partition=partition,
        n=int(fields[b"n"]),
        seq=int(fields.get(b"seq", 0)),
        offset=int(fields[b"offset"]),
        type=fields.get(b"type", b"").decode(),
        name=fields.get(b"name", b"").decode(),
    )


def _logged(id_: bytes, fields: dict[bytes, bytes]) -> Logged:
    return Logged(int(id_.split(b"-")[0]), int(fields[b"o"]), fields[b"e"])
