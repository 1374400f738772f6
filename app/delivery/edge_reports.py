"""Signs of life of edges in Valkey: which there are, and what each has counted."""

from __future__ import annotations

from typing import Any

import msgspec
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.presence import ALIVE
from app.runtime.clock import now_ms


class EdgeReport(msgspec.Struct, kw_only=True):
    """What an edge says of itself. Counts are since its start; `…_seconds` are sums.

    `sends` are by outcome. `host` is the name of its machine, and `at_ms` the time of the report.
    """

    edge: str
    at_ms: int
    started_ms: int
    host: str
    pid: int
    streams: int
    polls: int
    sends: dict[str, int]
    answered: int
    answered_seconds: float
    delivered: int
    broadcasts: int
    broadcast_seconds: float


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(EdgeReport).decode


class EdgeReports:
    """Writes the reports of edges, each of which counts for half a minute, and reads them."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis: Any = redis

    async def say(self, report: EdgeReport) -> None:
        """Write a sign of life of an edge."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(keys.alive(report.edge), _encode(report), ex=ALIVE)
            pipe.zadd(keys.edges(), {report.edge: report.at_ms + ALIVE * 1000})
            pipe.zremrangebyscore(keys.edges(), "-inf", f"({report.at_ms - ALIVE * 1000}")
            await pipe.execute()

    async def all(self) -> list[EdgeReport]:
        """The reports of the edges that are alive, in the order of their start."""
        names = await self._redis.zrangebyscore(keys.edges(), now_ms(), "+inf")
        raw = await self._redis.mget([keys.alive(name.decode()) for name in names]) if names else []
        found = []
        for value in raw:
            try:
                found.append(_decode(value or b""))
            except msgspec.DecodeError:
                continue  # an edge of an earlier version, whose sign says nothing
        return sorted(found, key=lambda one: (one.started_ms, one.edge))
