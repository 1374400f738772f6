"""Consistent reads of the view: of one moment, and only while the view is complete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from redis import asyncio as aioredis

from app.errors import Unreachable

#: Adds the commands of a read to a pipeline.
AddCommands = Callable[[Any], Awaitable[None]]

#: Seconds for which a read waits for a view that is being refilled.
_WAIT_SECONDS = 5.0

#: Seconds between two tries.
_RETRY_SECONDS = 0.1


class Snapshots:
    """Reads from a complete view.

    After Valkey was emptied, the view is refilled from the log. A read meanwhile would find that a
    room does not exist, or that all of it is unread. With `partial` a read takes what is there.
    """

    def __init__(self, redis: aioredis.Redis, *, partial: bool = False) -> None:
        self._redis: Any = redis
        self._partial = partial

    async def take(self, signs: Collection[str], ask: AddCommands) -> list[Any]:
        """The replies to the commands that `ask` adds, of a moment at which all `signs` exist.

        `signs` are keys. Raises `Unreachable` if some of them are missing for 5 seconds.
        """
        if self._partial:
            return (await self._once((), ask))[1]
        until = time.monotonic() + _WAIT_SECONDS
        while True:
            there, found = await self._once(signs, ask)
            if there == len(signs):
                return found
            if time.monotonic() > until:
                raise Unreachable("the view in Valkey is being filled")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _once(self, signs: Collection[str], ask: AddCommands) -> tuple[int, list[Any]]:
        """How many of the signs exist, and the replies."""
        async with self._redis.pipeline(transaction=True) as pipe:
            if signs:
                pipe.exists(*signs)
            await ask(pipe)
            found = await pipe.execute()
        return (found[0], found[1:]) if signs else (0, found)
