"""Leases of partitions: the readers of a pulled subscription share them, over all edges."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from redis import asyncio as aioredis

from app.delivery.scripts import Scripts

#: Milliseconds for which a reader that is not heard of keeps its partitions.
LIFE_MS: Final = 20_000


class PartitionLeases:
    """The leases of one reader; to be renewed every few seconds."""

    def __init__(
        self, redis: aioredis.Redis, subscription: str, reader: str, partitions: int
    ) -> None:
        self._scripts = Scripts(redis)
        self._keys = [f"pull:{{{subscription}}}:{part}" for part in ("readers", "owners")]
        self._reader = reader
        self._partitions = partitions

    async def renew(self, busy: Collection[int] = ()) -> frozenset[int]:
        """The partitions that are this reader's now; raises `Unreachable`.

        One that should go to another reader stays as long as it is `busy`.
        """
        return await self._run(0, busy)

    async def end(self) -> None:
        """Let the other readers have the partitions at once."""
        await self._run(1, ())

    async def _run(self, goes: int, busy: Collection[int]) -> frozenset[int]:
        arguments = [self._reader, LIFE_MS, self._partitions, goes, *busy]
        found = await self._scripts.run([("lease.lua", self._keys, arguments)])
        return frozenset(int(one) for one in found[0])
