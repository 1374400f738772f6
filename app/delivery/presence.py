"""Presence in Valkey: the agent `presence` writes it, and edges read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.applied import PositionKeys, Span
from app.delivery.scripts import Scripts
from app.domain.presence import Presence
from app.topics import partition_of

#: Seconds for which an edge counts as alive after a sign of life, and between two signs of life.
ALIVE = 30
SAY_EVERY = 10.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Presence).decode


def position_keys(partition: int) -> PositionKeys:
    """The keys for the position of `chat.connections`."""
    return PositionKeys(
        keys.presences(partition),
        keys.presences_filling(partition),
        keys.presences_position(partition),
    )


class Presences:
    """The presence of users, their away status, and the edges that are alive."""

    def __init__(self, redis: aioredis.Redis, partitions: int) -> None:
        self._redis: Any = redis
        self._partitions = partitions
        self._scripts = Scripts(redis)

    async def apply(
        self, partition: int, presences: Mapping[str, Presence], span: Span, position: int
    ) -> None:
        """Write the presence of users of a partition, and move the position to the last record.

        Where Valkey has a newer version of a presence, that one stays.
        """
        await self._run(partition, presences, [*span, position, 0])

    async def restore(
        self, partition: int, presences: Mapping[str, Presence], *, force: bool
    ) -> None:
        """Write the presence of users of a partition, except where Valkey has a newer version.

        With `force`, whatever it has: its versions are of another past.
        """
        await self._run(partition, presences, ["", "", "", int(force)])
        await self._redis.unlink(*map(keys.former_presence, presences))

    async def _run(
        self, partition: int, presences: Mapping[str, Presence], arguments: list[Any]
    ) -> None:
        names = [*position_keys(partition)]
        for user, one in presences.items():
            names.append(keys.presence(partition, user))
            arguments += [one.version, _encode(one)]
        await self._scripts.run([("position.lua+presences.lua", names, arguments)])

    async def of(self, users: Iterable[str]) -> dict[str, tuple[Presence, bool]]:
        """The presence of each user, and whether the user is away."""
        names = list(users)
        wanted = [key for name in names for key in (self.key(name), keys.away(name))]
        found = await self._redis.mget(wanted) if wanted else []
        return {
            name: (_decode(found[2 * i]) if found[2 * i] else Presence(), bool(found[2 * i + 1]))
            for i, name in enumerate(names)
        }

    def key(self, user: str) -> str:
        """The key of a user's presence."""
        return keys.presence(partition_of(user, self._partitions), user)

    async def alive(self, edges: Iterable[str]) -> set[str]:
        """Those of the edges that are alive."""
        names = sorted(set(edges))
        found = await self._redis.mget([keys.alive(name) for name in names]) if names else []
        return {name for name, there in zip(names, found, strict=True) if there}

    async def hear(self, alive: Iterable[str], away: Mapping[str, bool]) -> None:
        """Write what other regions say: which of their edges are alive, and who is away or back."""
        for edge in alive:
            await self._redis.set(keys.alive(edge), "1", ex=ALIVE)
        for user, is_away in away.items():
            await self.set_away(user, is_away)

    async def set_away(self, user: str, away: bool) -> None:
        """Set or clear the away status of a user."""
        if away:
            await self._redis.set(keys.away(user), "1")
        else:
            await self._redis.delete(keys.away(user))
