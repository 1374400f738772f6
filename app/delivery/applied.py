"""Positions of topics whose records agents apply to Valkey: how far it is, and whether it was.

A Valkey that comes back older than it was has lost what was applied meanwhile, and nothing else
shows it: the records are committed. So the position stands in Valkey itself, and moves together
with what it speaks of. Where it is not where this process knows it to be, everything is restored
from the agent's table (docs/decisions/applied-positions.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import NamedTuple

from redis import asyncio as aioredis

from app.delivery.scripts import Scripts
from app.delivery.valkey import run_id


class Span(NamedTuple):
    """The lowest and the highest position at which Valkey may stand; -1: before the first record.

    Two, because a call whose reply was lost may have been executed.
    """

    low: int
    high: int


class PositionKeys(NamedTuple):
    """Keys of a partition: the sign that nothing is lost, the token of a refill, the position."""

    sign: str
    filling: str
    position: str


class Standing(NamedTuple):
    """Whether nothing of the partition is lost, and its position in Valkey."""

    complete: bool
    position: int


class AppliedPositions:
    """The positions in Valkey, by partition. Raises `Unreachable`."""

    def __init__(self, redis: aioredis.Redis, names: Callable[[int], PositionKeys]) -> None:
        self._scripts = Scripts(redis)
        self._redis = redis
        self._names = names

    async def look(self, partition: int, span: Span) -> Standing:
        """Where the partition stands. Outside the span it is incomplete from now on."""
        name = "position.lua+stands.lua"
        found = (await self._scripts.run([(name, self._names(partition), span)]))[0]
        return Standing(bool(found[0]), int(found[1]))

    async def begin_filling(self, partition: int, position: int) -> str:
        """Note that a refill begins, which restores what the records up to `position` made.

        Returns the refill's token.
        """
        token = f"{await run_id(self._redis)}:{token_hex(8)}"
        names = self._names(partition)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(names.sign)
            pipe.set(names.position, position)
            pipe.set(names.filling, token)
            await pipe.execute()
        return token

    async def note_filled(self, partition: int, span: Span, token: str) -> bool:
        """Note that everything is restored, if nothing was lost since the refill began."""
        arguments = [*span, token]
        name = "position.lua+filled.lua"
        return bool((await self._scripts.run([(name, self._names(partition), arguments)]))[0])


class KnownPositions:
    """The positions that this process knows Valkey to have, as long as it has the partitions.

    `bounds` tells, for a partition of which it knows nothing, the committed offset and the end of
    the topic: a worker before this one has left Valkey in between. Hold `lock` from asking for a
    span until Valkey has answered.
    """

    def __init__(self, bounds: Callable[[int], Awaitable[tuple[int, int]]]) -> None:
        self.lock = asyncio.Lock()
        self._bounds = bounds
        self._known: dict[int, int] = {}
        self._generation = -1

    def begin(self, generation: int) -> None:
        """Forget everything where it is of another generation of the consumer group."""
        if generation != self._generation:
            self._generation = generation
            self._known.clear()

    async def span(self, partition: int, upto: int = -1) -> Span:
        """Where Valkey may stand, if the records up to `upto` are perhaps applied as well."""
        known = self._known.get(partition)
        if known is not None:
            return Span(known, max(known, upto))
        committed, end = await self._bounds(partition)
        return Span(committed - 1, max(end - 1, upto))

    def note(self, partition: int, position: int) -> None:
        """Valkey stands there."""
        self._known[partition] = position
