"""Presence in Valkey: the agent `presence` writes it, and edges read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from redis import asyncio as aioredis

from app.delivery import keys
from app.domain.presence import Presence

#: Seconds for which an edge counts as alive after a sign of life, and between two signs of life.
ALIVE = 30
SAY_EVERY = 10.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Presence).decode


class Presences:
    """The presence of users, their away status, and the edges that are alive."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis: Any = redis

    async def keep(self, presences: Mapping[str, Presence]) -> None:
        """Write the presence of some users."""
        await self._redis.mset(
            {keys.presence(user): _encode(presence) for user, presence in presences.items()}
        )

    async def filled(self, partition: int) -> bool:
        """Whether Valkey has the presence of all users of a partition."""
        return bool(await self._redis.exists(keys.presences(partition)))

    async def note_filled(self, partition: int) -> None:
        """Note that Valkey has the presence of all users of a partition."""
        await self._redis.set(keys.presences(partition), "1")

    async def of(self, users: Iterable[str]) -> dict[str, tuple[Presence, bool]]:
        """The presence of each user, and whether the user is away."""
        names = list(users)
        wanted = [of(name) for name in names for of in (keys.presence, keys.away)]
        found = await self._redis.mget(wanted) if wanted else []
        return {
            name: (_decode(found[2 * i]) if found[2 * i] else Presence(), bool(found[2 * i + 1]))
            for i, name in enumerate(names)
        }

    async def alive(self, edges: Iterable[str]) -> set[str]:
        """Those of the edges that are alive."""
        names = sorted(set(edges))
        found = await self._redis.mget([keys.alive(name) for name in names]) if names else []
        return {name for name, there in zip(names, found, strict=True) if there}

    async def say_alive(self, edge: str) -> None:
        """Write a sign of life of an edge."""
        await self._redis.set(keys.alive(edge), "1", ex=ALIVE)

    async def set_away(self, user: str, away: bool) -> None:
        """Set or clear the away status of a user."""
        if away:
            await self._redis.set(keys.away(user), "1")
        else:
            await self._redis.delete(keys.away(user))
