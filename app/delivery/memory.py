"""The memory of Valkey."""

from __future__ import annotations

from typing import NamedTuple

from redis import asyncio as aioredis


class Memory(NamedTuple):
    """Bytes that Valkey uses, and may use: all of its machine where it has no limit."""

    used: int
    limit: int


async def memory(redis: aioredis.Redis) -> Memory:
    """The memory of the server now."""
    told = await redis.info("memory")
    limit = int(told.get("maxmemory") or told.get("total_system_memory") or 0)
    return Memory(int(told["used_memory"]), limit)
