"""How far people have read, in Valkey: `receipts` writes through this, the edge reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

import orjson
from redis import asyncio as aioredis

from app.delivery import keys
from app.topics import partition_of


class Unread(NamedTuple):
    """What somebody has not read of a room: messages, and among them those that name them."""

    seq: int
    read: int
    unread: int
    mentions: int


class Reads:
    """Read marks, and what follows from them.

    Unread is nowhere kept: it is the room's last `seq` less the mark, less what was deleted in
    between. So it can't drift, and a message costs the same however many have not read it.
    """

    def __init__(self, redis: aioredis.Redis, partitions: int) -> None:
        self._redis: Any = redis
        self._partitions = partitions
        self._read = redis.register_script(_source("count.lua") + _source("read.lua"))
        self._unread = redis.register_script(_source("count.lua") + _source("unread.lua"))

    async def advance(self, marks: Mapping[str, Mapping[str, int]]) -> list[str]:
        """Set marks by room and user, where they go forward, and tell each person's devices.

        The answer is the rooms whose members see receipts. Idempotent.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for room, of_room in marks.items():
                people = [
                    part for user, seq in of_room.items() for part in (user, seq, keys.user(user))
                ]
                await self._read(keys=self._keys(room, of_room), args=[room, *people], client=pipe)
            shown = await pipe.execute()
        return [room for room, yes in zip(marks, shown, strict=True) if yes]

    async def filled(self, partition: int) -> bool:
        """Whether the marks of a partition are here, as far as Valkey remembers."""
        return bool(await self._redis.exists(keys.receipts(partition)))

    async def note_filled(self, partition: int) -> None:
        """Note that the marks of a partition are here."""
        await self._redis.set(keys.receipts(partition), "1")

    async def tell(self, marks: Mapping[str, Mapping[str, int]]) -> None:
        """Tell the members of rooms who has read up to where."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for room, of_room in marks.items():
                event = orjson.dumps({"kind": "receipts", "room": room, "read": of_room})
                channel = keys.channel(partition_of(room, self._partitions), room)
                pipe.publish(channel, b"- " + event)
            await pipe.execute()

    async def marks(self, room: str) -> dict[str, int]:
        """Everybody's mark in a room."""
        found = await self._redis.hgetall(keys.read(partition_of(room, self._partitions), room))
        return {user.decode(): int(seq) for user, seq in found.items()}

    async def unread(self, user: str, rooms: Iterable[str]) -> dict[str, Unread]:
        """What somebody has not read of each of the rooms, in one round trip."""
        names = list(rooms)
        async with self._redis.pipeline(transaction=False) as pipe:
            for room in names:
                await self._unread(keys=self._keys(room, [user]), args=[user], client=pipe)
            found = await pipe.execute()
        return {room: Unread(*numbers) for room, numbers in zip(names, found, strict=True)}

    def _keys(self, room: str, users: Iterable[str]) -> list[str]:
        place = partition_of(room, self._partitions)
        return [
            *(of(place, room) for of in (keys.room, keys.read, keys.gone, keys.everyone)),
            *(keys.mentioned(place, room, user) for user in users),
        ]


def _source(name: str) -> str:
    return files("app.delivery").joinpath(name).read_text()
