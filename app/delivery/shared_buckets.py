"""The buckets of rate limits in Valkey, in which all edges settle what each has allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.scripts import Scripts

#: Seconds for which an edge counts after it has settled, and the buckets of one call, during which
#: Valkey does nothing else for half a millisecond.
ALIVE: Final = 15
MOST: Final = 200

#: Seconds for a call: beyond this the edge goes on alone.
_TIMEOUT: Final = 1.0

_MICROSECONDS: Final = 1e6


class Settlement(NamedTuple):
    """By how many seconds the TAT of each bucket is ahead; and how many edges share them."""

    ahead: dict[str, float]
    edges: int


class SharedBuckets:
    """Settles with the other edges. Raises `Unreachable` where Valkey is away."""

    def __init__(self, redis: aioredis.Redis, edge: str) -> None:
        self._scripts = Scripts(redis, _TIMEOUT)
        self._edge = edge

    async def settle(self, debits: Mapping[str, float]) -> Settlement:
        """Move the TAT of each bucket by so many seconds, in one round trip."""
        names = list(debits)
        portions = [names[start : start + MOST] for start in range(0, len(names) or 1, MOST)]
        found = await self._scripts.run(
            [
                (
                    "settle.lua",
                    [keys.limiting_edges(), *map(keys.bucket, portion)],
                    [self._edge, ALIVE, *(_microseconds(debits[name]) for name in portion)],
                )
                for portion in portions
            ]
        )
        ahead: dict[str, float] = {}
        for portion, (_, *numbers) in zip(portions, found, strict=True):
            ahead |= {
                name: number / _MICROSECONDS for name, number in zip(portion, numbers, strict=True)
            }
        return Settlement(ahead, found[-1][0])


def _microseconds(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)
