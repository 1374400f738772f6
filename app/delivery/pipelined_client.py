"""A pipelined client of Valkey on one connection, for thousands of commands a second.

For each command a pipeline of redis-py takes a connection from its pool, a lock, a task or two and
a turn of its parser: a tenth of a worker's time.
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
    """Commands that belong together, and their replies so far."""

    __slots__ = ("answered", "commands", "replies")

    def __init__(self, commands: Sequence[tuple[Part, ...]]) -> None:
        self.commands = commands
        self.replies: list[Any] = []
        self.answered: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def answer(self) -> None:
        """Give the caller all replies, unless it was cancelled."""
        if not self.answered.done():
            self.answered.set_result(self.replies)

    def fail(self, why: str) -> None:
        """Give the caller an error."""
        if not self.answered.done():
            self.answered.set_exception(Unreachable(why))


class PipelinedClient:
    """Sends commands and returns their replies.

    Commands that arrive while others are in flight are sent together when those are answered, so
    each costs little while many arrive.

    The client connects with the first command, and again after a lost connection. It raises
    `Unreachable` where Valkey can't be reached; a command in flight may then have been executed.
    """

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis = redis
        self._wire: ValkeyConnection | None = None
        self._opening: asyncio.Task[ValkeyConnection] | None = None
        self._in_flight: deque[_Request] = deque()
        self._waiting: list[_Request] = []

    async def execute(self, commands: Sequence[tuple[Part, ...]]) -> list[Any]:
        """The reply to each command; an exception in the place of a reply that is an error."""
        if not commands:
            return []
        if self._wire is None:
            await self._connected()
        request = _Request(commands)
        self._waiting.append(request)
        if len(self._waiting) == 1 and not self._in_flight:
            asyncio.get_running_loop().call_soon(self._send)
        return await request.answered

    def close(self) -> None:
        """Close the connection; the next command makes another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _send(self) -> None:
        if self._wire is not None and self._waiting and not self._in_flight:
            waiting, self._waiting = self._waiting, []
            self._in_flight.extend(waiting)
            self._wire.send_all([command for request in waiting for command in request.commands])

    async def _connected(self) -> ValkeyConnection:
        """The connection, made once for all concurrent callers."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> ValkeyConnection:
        self._wire = await open_connection(self._redis, self._take, self._on_lost)
        return self._wire

    def _take(self, replies: Iterator[Any]) -> None:
        for reply in replies:
            request = self._in_flight[0]
            request.replies.append(reply)
            if len(request.replies) == len(request.commands):
                self._in_flight.popleft().answer()
        self._send()

    def _on_lost(self) -> None:
        self._wire = None
        lost = [*self._in_flight, *self._waiting]
        self._in_flight, self._waiting = deque(), []
        for request in lost:
            request.fail("Valkey closed the connection")
