"""Read marks in Valkey: the agent `receipts` writes them, and edges read them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import orjson
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.applied import PositionKeys, Span
from app.delivery.epoch_gate import EpochGate
from app.delivery.scripts import Command, Scripts
from app.delivery.snapshot import Snapshots
from app.errors import ParleyError
from app.topics import partition_of

_READ = "count.lua+position.lua+read.lua"


def position_keys(partition: int) -> PositionKeys:
    """The keys for the position of `chat.receipts`."""
    return PositionKeys(
        keys.receipts(partition),
        keys.receipts_filling(partition),
        keys.receipts_position(partition),
    )


class StaleEpoch(ParleyError):
    """Read marks are of an earlier epoch of the log than the view."""


class Unread(NamedTuple):
    """The unread messages of a user in a room, and how many of them mention the user."""

    seq: int
    read: int
    unread: int
    mentions: int


class Explained(NamedTuple):
    """What a user's unread counts in a room are made of, all of one moment.

    `n` and `pos` are those of the room's last event. `gone` and `named` are, of the messages of a
    list that begins behind `after`, those that are deleted and those that mention the user.
    """

    counts: Unread
    n: int
    pos: int
    after: int
    gone: frozenset[int]
    named: frozenset[int]


class ReadMarks:
    """Read marks and unread counts.

    An unread count is derived: the room's last `seq` minus the mark, minus the messages deleted in
    between. So it can't drift, and the cost of a message does not depend on its unread members.
    Reading raises `Unreachable` while the view is being refilled; a `partial` reader gets what is
    there.
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
        self._scripts = Scripts(redis)
        self._unread = redis.register_script(_source("count.lua") + _source("unread.lua"))
        self._explain = redis.register_script(_source("count.lua") + _source("explain.lua"))

    async def advance(
        self,
        marks: Mapping[str, Mapping[str, int]],
        moves: Mapping[int, tuple[Span, int]] | None = None,
        epochs: Mapping[int, int] | None = None,
    ) -> list[str]:
        """Advance marks by room and user, and publish the new counts to each user's devices.

        Returns the rooms whose members see receipts. Idempotent. `moves` are the partitions whose
        position moves in the same step: where it stands, and the offset of the last receipt.
        `epochs` are those of the partitions' marks, by default the first. Raises `StaleEpoch` where
        the view is of a later one; other partitions have their marks then.
        """
        moves = moves or {}
        rooms: dict[int, list[str]] = {partition: [] for partition in moves}
        for room in marks:
            rooms.setdefault(partition_of(room, self._partitions), []).append(room)
        calls = [
            self._call(place, names, marks, moves.get(place), (epochs or {}).get(place, 0))
            for place, names in rooms.items()
        ]
        found = await self._scripts.run(calls)
        if None in found:
            raise StaleEpoch("the view in Valkey is of a later epoch than these read marks")
        return [
            room
            for names, shown in zip(rooms.values(), found, strict=True)
            for room, yes in zip(names, shown, strict=True)
            if yes
        ]

    def _call(
        self,
        partition: int,
        rooms: Sequence[str],
        marks: Mapping[str, Mapping[str, int]],
        move: tuple[Span, int] | None,
        epoch: int,
    ) -> Command:
        names = [*position_keys(partition), keys.whole(partition), keys.receipts_epoch(partition)]
        arguments: list[Any] = [*move[0], move[1]] if move is not None else ["", "", ""]
        arguments.append(epoch)
        for room in rooms:
            of_room = marks[room]
            names += self._keys(room, of_room)
            arguments += [room, len(of_room)]
            for user, seq in of_room.items():
                arguments += [user, seq, keys.user(user)]
        return _READ, names, arguments

    async def publish(self, marks: Mapping[str, Mapping[str, int]]) -> None:
        """Publish the marks of their room to its members."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for room, of_room in marks.items():
                event = orjson.dumps({"kind": "receipts", "room": room, "read": of_room})
                channel = keys.channel(partition_of(room, self._partitions), room)
                pipe.publish(channel, b"- " + event)
            await pipe.execute()

    async def marks(self, room: str) -> dict[str, int]:
        """The marks of all users in a room."""
        place = partition_of(room, self._partitions)

        async def ask(pipe: Any) -> None:
            pipe.hgetall(keys.read(place, room))

        found = (await self._snapshots.take(_signs({place}), ask))[0]
        return {user.decode(): int(seq) for user, seq in found.items()}

    async def unread(self, user: str, rooms: Iterable[str]) -> dict[str, Unread]:
        """The user's unread counts in each of the rooms, in one round trip."""
        names = list(rooms)

        async def ask(pipe: Any) -> None:
            for room in names:
                await self._unread(keys=self._keys(room, [user]), args=[user], client=pipe)

        places = {partition_of(room, self._partitions) for room in names}
        found = await self._snapshots.take(_signs(places), ask) if names else []
        return {room: Unread(*numbers) for room, numbers in zip(names, found, strict=True)}

    async def explained(
        self, user: str, rooms: Iterable[str], after: int | None, most: int
    ) -> dict[str, Explained]:
        """What the user's unread counts in each of the rooms are made of, in one round trip.

        Of `most` messages each, behind message `after`, or behind the mark where that is higher.
        """
        names = list(rooms)
        arguments = [user, "" if after is None else after, most]

        async def ask(pipe: Any) -> None:
            for room in names:
                await self._explain(keys=self._keys(room, [user]), args=arguments, client=pipe)

        places = {partition_of(room, self._partitions) for room in names}
        found = await self._snapshots.take(_signs(places), ask) if names else []
        return {room: _explained(one) for room, one in zip(names, found, strict=True)}

    def _keys(self, room: str, users: Iterable[str]) -> list[str]:
        place = partition_of(room, self._partitions)
        return [
            *(of(place, room) for of in (keys.room, keys.read, keys.gone, keys.everyone)),
            *(keys.mentioned(place, room, user) for user in users),
        ]


def _explained(found: Sequence[Any]) -> Explained:
    *numbers, n, pos, after, gone, named = found
    deleted, mentions = frozenset(map(int, gone)), frozenset(map(int, named))
    return Explained(Unread(*numbers), n, pos, after, deleted, mentions)


def _signs(places: Collection[int]) -> list[str]:
    return [of(place) for place in places for of in (keys.whole, keys.receipts)]


def _source(name: str) -> str:
    return files("app.delivery").joinpath(name).read_text()
