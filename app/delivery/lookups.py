"""What an edge asks Valkey when readers come by the thousand: over one connection, as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.wire import Part, Wire, open_wire
from app.errors import Unreachable


class _Asked:
    """Commands that belong together, and the replies as far as they are there."""

    __slots__ = ("answered", "commands", "replies")

    def __init__(self, commands: Sequence[tuple[Part, ...]]) -> None:
        self.commands = commands
        self.replies: list[Any] = []
        self.answered: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def answer(self) -> None:
        """All replies are there."""
        wrong = [reply for reply in self.replies if isinstance(reply, Exception)]
        if wrong:
            self.fail(f"Valkey: {wrong[0]}")
        elif not self.answered.done():
            self.answered.set_result(self.replies)

    def fail(self, why: str) -> None:
        """There is no answer; whoever asked may have gone."""
        if not self.answered.done():
            self.answered.set_exception(Unreachable(f"{why}"))


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
        self._under_way: deque[_Asked] = deque()
        self._waiting: list[_Asked] = []
        self._mark = files("app.delivery").joinpath("mark.lua").read_text()

    async def rooms_of(self, user: str) -> dict[str, int]:
        """The rooms that a user belongs to, each with the `n` of joining."""
        return (await self.rooms_of_all([user]))[0]

    async def rooms_of_all(self, users: Sequence[str]) -> list[dict[str, int]]:
        """As `rooms_of`, of many users at once."""
        found = await self._ask([("HGETALL", keys.rooms_of(user)) for user in users])
        return [_joined(one) for one in found]

    async def positions(self, partitions: int) -> list[int]:
        """The offset in the log up to which the view stands, of each partition.

        -1 where the log is empty, and -2 where the view is being filled again.
        """
        asked = [("MGET", keys.position(p), keys.whole(p)) for p in range(partitions)]
        found = await self._ask(asked)
        return [int(position or -1) if whole else -2 for position, whole in found]

    async def mark(self, partition: int, rooms: Sequence[str], edge: str, token: int) -> None:
        """Have a mark published to the edge, with the heads of the rooms (mark.lua)."""
        heads = keys.room(partition, "")
        names = [keys.position(partition), *[heads + room for room in rooms]]
        channel = keys.marks(partition, edge)
        await self._ask([("EVAL", self._mark, len(names), *names, channel, token)])

    def close(self) -> None:
        """Give the connection up; the next lookup makes another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    async def _ask(self, commands: Sequence[tuple[Part, ...]]) -> list[Any]:
        """The answer to each of the commands."""
        if not commands:
            return []
        if self._wire is None:
            await self._connected()
        asked = _Asked(commands)
        self._waiting.append(asked)
        if len(self._waiting) == 1 and not self._under_way:
            asyncio.get_running_loop().call_soon(self._send)
        return await asked.answered

    def _send(self) -> None:
        if self._wire is not None and self._waiting and not self._under_way:
            waiting, self._waiting = self._waiting, []
            self._under_way.extend(waiting)
            self._wire.send_all([command for asked in waiting for command in asked.commands])

    async def _connected(self) -> Wire:
        """The connection, made once for all who come meanwhile."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Wire:
        self._wire = await open_wire(self._redis, self._take, self._on_lost)
        return self._wire

    def _take(self, replies: Iterator[Any]) -> None:
        for reply in replies:
            asked = self._under_way[0]
            asked.replies.append(reply)
            if len(asked.replies) == len(asked.commands):
                self._under_way.popleft().answer()
        self._send()

    def _on_lost(self) -> None:
        self._wire = None
        lost = [*self._under_way, *self._waiting]
        self._under_way, self._waiting = deque(), []
        for asked in lost:
            asked.fail("Valkey closed the connection")


def _joined(found: list[bytes]) -> dict[str, int]:
    pairs = zip(found[::2], found[1::2], strict=True)
    return {room.decode(): int(n) for room, n in pairs if not n.startswith(b"-")}
