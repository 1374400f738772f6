"""Asking Valkey over one connection: for what comes by the thousand, without redis-py's share.

A pipeline of redis-py costs a connection from its pool, a lock, a task or two and a parser's turn
for each command: a tenth of a worker's time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from redis import asyncio as aioredis

from app.delivery.connection import Part, ValkeyConnection, open_connection
from app.errors import Unreachable


class _Request:
    """Commands that belong together, and the replies as far as they are there."""

    __slots__ = ("answered", "commands", "replies")

    def __init__(self, commands: Sequence[tuple[Part, ...]]) -> None:
        self.commands = commands
        self.replies: list[Any] = []
        self.answered: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def answer(self) -> None:
        """All replies are there; whoever asked may have gone."""
        if not self.answered.done():
            self.answered.set_result(self.replies)

    def fail(self, why: str) -> None:
        """There is no answer."""
        if not self.answered.done():
            self.answered.set_exception(Unreachable(why))


class PipelinedClient:
    """Sends commands and gives each its reply.

    Those that come while others are under way are sent together when these are answered, so that
    each costs little where many come.

    The connection is made when it is first needed, and anew after it was lost. Raises
    `Unreachable` where Valkey can't be reached; whoever waits then does not know.
    """

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis = redis
        self._wire: ValkeyConnection | None = None
        self._opening: asyncio.Task[ValkeyConnection] | None = None
        self._under_way: deque[_Request] = deque()
        self._waiting: list[_Request] = []

    async def ask(self, commands: Sequence[tuple[Part, ...]]) -> list[Any]:
        """The reply to each of the commands; what Valkey refused is an exception among them."""
        if not commands:
            return []
        if self._wire is None:
            await self._connected()
        asked = _Request(commands)
        self._waiting.append(asked)
        if len(self._waiting) == 1 and not self._under_way:
            asyncio.get_running_loop().call_soon(self._send)
        return await asked.answered

    def close(self) -> None:
        """Give the connection up; the next command makes another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _send(self) -> None:
        if self._wire is not None and self._waiting and not self._under_way:
            waiting, self._waiting = self._waiting, []
            self._under_way.extend(waiting)
            self._wire.send_all([command for asked in waiting for command in asked.commands])

    async def _connected(self) -> ValkeyConnection:
        """The connection, made once for all who come meanwhile."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> ValkeyConnection:
        self._wire = await open_connection(self._redis, self._take, self._on_lost)
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
