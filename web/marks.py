"""Marks: finding out where an edge's subscription stands.

A mark is published by Valkey itself, in one step with reading a partition's position and some
rooms' heads, on a channel of this edge alone. When it arrives, everything that was published
before it has arrived, too: so the edge stands at that position, exactly, and a room whose head
is higher than what came has lost something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib.resources import files
from itertools import count

from redis import asyncio as aioredis

from app.delivery import keys


class Mark:
    """A mark under way: for one partition and the rooms whose heads it brings."""

    __slots__ = ("arrived", "partition", "rooms")

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.rooms: dict[str, None] = {}
        self.arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Marks:
    """Asks for marks, those of one turn of the loop together."""

    def __init__(self, redis: aioredis.Redis, edge: str) -> None:
        self._redis = redis
        self._edge = edge
        self._script = redis.register_script(files("app.delivery").joinpath("mark.lua").read_text())
        self._tokens = count(1)
        self._wanted: dict[int, Mark] = {}
        self._under_way: dict[int, Mark] = {}
        self._sending: asyncio.Task[None] | None = None

    async def mark(self, rooms: Iterable[tuple[int, str]]) -> None:
        """Return when a mark asked for from now on has arrived for each (partition, room)."""
        marks = set()
        for partition, room in rooms:
            mark = self._wanted.get(partition) or self._wanted.setdefault(
                partition, Mark(partition)
            )
            mark.rooms[room] = None
            marks.add(mark)
        if marks and self._sending is None:
            self._sending = asyncio.create_task(self._send_wanted())
        for mark in marks:
            await asyncio.shield(mark.arrived)

    def take(self, data: bytes) -> tuple[Mark, int, list[int]] | None:
        """A mark that has arrived, with the position and the heads; `None` for an unknown one."""
        token, *numbers = (int(part) for part in data.split())
        mark = self._under_way.pop(token, None)
        return None if mark is None else (mark, numbers[0], numbers[1:])

    async def ask_again(self) -> None:
        """Ask once more for the marks under way, which a lost connection has lost."""
        lost, self._under_way = self._under_way, {}
        await self._send(lost.values())

    async def _send_wanted(self) -> None:
        await asyncio.sleep(0)
        wanted, self._wanted, self._sending = self._wanted, {}, None
        try:
            await self._send(wanted.values())
        except Exception as error:  # noqa: BLE001 - those who wait are told, whatever it is
            for mark in wanted.values():
                if not mark.arrived.done():
                    mark.arrived.set_exception(error)

    async def _send(self, marks: Iterable[Mark]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for mark in marks:
                token = next(self._tokens)
                self._under_way[token] = mark
                partition = mark.partition
                await self._script(
                    keys=[
                        keys.position(partition),
                        *(keys.room(partition, room) for room in mark.rooms),
                    ],
                    args=[keys.marks(partition, self._edge), token],
                    client=pipe,
                )
            await pipe.execute()
