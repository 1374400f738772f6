"""Consistent reads of the view: of one moment, and only while the view is complete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from itertools import islice
from typing import Any

from redis import asyncio as aioredis

from app.delivery.epoch_gate import EpochGate
from app.errors import Unreachable

#: A key, or some keys of which one is enough.
Sign = str | tuple[str, ...]

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

    def __init__(
        self, redis: aioredis.Redis, *, partial: bool = False, gate: EpochGate | None = None
    ) -> None:
        self._redis: Any = redis
        self._partial = partial
        self._gate = gate or EpochGate()

    async def take(self, signs: Collection[Sign], ask: AddCommands) -> list[Any]:
        """The replies to the commands that `ask` adds, of a moment at which all `signs` exist.

        A sign is a key, or some of which one is enough. Raises `Unreachable` if some of them are
        missing for 5 seconds, or the view is of an earlier epoch of the log.
        """
        if self._partial:
            return (await self._once((), ask))[1]
        until = time.monotonic() + _WAIT_SECONDS
        while True:
            whole, found = await self._once(signs, ask)
            if whole and self._gate.open:
                return found
            if time.monotonic() > until:
                raise Unreachable("the view in Valkey is being filled")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _once(self, signs: Collection[Sign], ask: AddCommands) -> tuple[bool, list[Any]]:
        """Whether all signs exist, and the replies."""
        alternatives = [(sign,) if isinstance(sign, str) else sign for sign in signs]
        async with self._redis.pipeline(transaction=True) as pipe:
            if signs:
                pipe.mget([key for keys in alternatives for key in keys])
            await ask(pipe)
            found = await pipe.execute()
        if not signs:
            return True, found
        exist = iter([value is not None for value in found[0]])
        there = [any(list(islice(exist, len(keys)))) for keys in alternatives]
        return all(there), found[1:]
