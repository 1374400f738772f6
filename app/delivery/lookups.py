"""What an edge asks Valkey when readers come by the thousand: over one connection, as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.wire import Part, Wire, open_wire
from app.errors import Unreachable


class Lookups:
    """Sends commands and gives each its answer.

    Those that come while others are under way are sent together when these are answered, so that
    each costs little where many come.

    The connection is made when it is first needed, and anew after it was lost. Raises
    `Unreachable` where Valkey can't be reached; whoever waits then does not know.
    """

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis = redis
        self._wire: Wire | None = None
        self._opening: asyncio.Task[Wire] | None = None
        self._answers: deque[asyncio.Future[Any]] = deque()
        self._waiting: list[tuple[tuple[Part, ...], asyncio.Future[Any]]] = []
        self._mark = files("app.delivery").joinpath("mark.lua").read_text()

    async def rooms_of(self, user: str) -> dict[str, int]:
        """The rooms that a user belongs to, each with the `n` of joining."""
        found = await self._ask("HGETALL", keys.rooms_of(user))
        pairs = zip(found[::2], found[1::2], strict=True)
        return {room.decode(): int(n) for room, n in pairs if not n.startswith(b"-")}

    async def positions(self, partitions: int) -> list[int]:
        """The offset in the log up to which the view stands, of each partition; -1: nowhere."""
        asked = [self._ask("GET", keys.position(partition)) for partition in range(partitions)]
        return [-1 if found is None else int(found) for found in await asyncio.gather(*asked)]

    async def mark(self, partition: int, rooms: Sequence[str], edge: str, token: int) -> None:
        """Have a mark published to the edge, with the heads of the rooms (mark.lua)."""
        heads = [keys.room(partition, room) for room in rooms]
        names = [keys.position(partition), *heads]
        channel = keys.marks(partition, edge)
        await self._ask("EVAL", self._mark, len(names), *names, channel, token)

    def close(self) -> None:
        """Give the connection up; the next lookup makes another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    async def _ask(self, *parts: Part) -> Any:
        if self._wire is None:
            await self._connected()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((parts, answer))
        if len(self._waiting) == 1 and not self._answers:
            asyncio.get_running_loop().call_soon(self._send)
        return await answer

    def _send(self) -> None:
        if self._wire is not None and self._waiting and not self._answers:
            waiting, self._waiting = self._waiting, []
            self._answers.extend([answer for _, answer in waiting])
            self._wire.send_all([parts for parts, _ in waiting])

    async def _connected(self) -> Wire:
        """The connection, made once for all who come meanwhile."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Wire:
        self._wire = await open_wire(self._redis, self._take, self._on_lost)
        return self._wire

    def _take(self, replies: list[Any]) -> None:
        for reply in replies:
            answer = self._answers.popleft()
            if answer.done():
                continue  # whoever asked has gone
            if isinstance(reply, Exception):
                answer.set_exception(Unreachable(f"Valkey: {reply}"))
            else:
                answer.set_result(reply)
        self._send()

    def _on_lost(self) -> None:
        self._wire = None
        answers = [*self._answers, *(answer for _, answer in self._waiting)]
        self._answers, self._waiting = deque(), []
        for answer in answers:
            if not answer.done():
                answer.set_exception(Unreachable("Valkey closed the connection"))
