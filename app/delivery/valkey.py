"""The connection to Valkey, or to Redis 7 and newer."""

from __future__ import annotations

from redis import asyncio as aioredis

#: Seconds that a command may take. Ours take microseconds: beyond this the server is away.
_TIMEOUT = 5.0

#: Connections of a client. Who comes while all are busy waits: hundreds come at once when an edge
#: dies, and redis-py's own pool refuses the hundred and first.
_MOST = 64


def connect(url: str) -> aioredis.Redis:
    """A client of the server at `url`; connects with its first command.

    It speaks RESP2, in which published messages and answers look alike to every parser.
    """
    pool: aioredis.BlockingConnectionPool = aioredis.BlockingConnectionPool.from_url(
        url,
        protocol=2,
        max_connections=_MOST,
        timeout=_TIMEOUT,
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
    )
    return aioredis.Redis.from_pool(pool)
