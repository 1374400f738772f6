"""Reading the view as it is at one moment, and only while nothing of it is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from redis import asyncio as aioredis

from app.errors import Unreachable

#: Adds the commands of a reading to a pipeline.
AddCommands = Callable[[Any], Awaitable[None]]

#: Seconds that a reading waits for a view that is being filled.
_PATIENCE = 5.0

#: Seconds between looks at it.
_LOOK_AGAIN = 0.1


class Snapshots:
    """Has every reading come from a view that is whole.

    A Valkey that was emptied is filled again from the log. Who reads meanwhile would be told that
    a room is not there, or that all of it is unread. With `partial` a reading takes what there is.
    """

    def __init__(self, redis: aioredis.Redis, *, partial: bool = False) -> None:
        self._redis: Any = redis
        self._partial = partial

    async def take(self, signs: Collection[str], ask: AddCommands) -> list[Any]:
        """The answers to what `ask` adds, of a moment at which all the keys `signs` are there.

        Raises `Unreachable` where some are missing for 5 seconds.
        """
        if self._partial:
            return (await self._once((), ask))[1]
        until = time.monotonic() + _PATIENCE
        while True:
            there, found = await self._once(signs, ask)
            if there == len(signs):
                return found
            if time.monotonic() > until:
                raise Unreachable("the view in Valkey is being filled")
            await asyncio.sleep(_LOOK_AGAIN)

    async def _once(self, signs: Collection[str], ask: AddCommands) -> tuple[int, list[Any]]:
        """How many of the signs were there, and the answers."""
        async with self._redis.pipeline(transaction=True) as pipe:
            if signs:
                pipe.exists(*signs)
            await ask(pipe)
            found = await pipe.execute()
        return (found[0], found[1:]) if signs else (0, found)
