"""The connection to Valkey, or to Redis 7 and newer."""

from __future__ import annotations

from redis import asyncio as aioredis

from app.delivery.refusals import RefusingParser

#: Seconds for a command, which takes microseconds: beyond this the server is away.
_TIMEOUT = 5.0

#: Connections of a client. A command waits while all are in use: hundreds of commands come at once
#: when an edge dies, and redis-py's own pool refuses the hundred and first.
_MOST = 64


def connect(url: str) -> aioredis.Redis:
    """A client of the server at `url`, which connects with its first command.

    It speaks RESP2, in which published messages have the form of replies for every parser. It
    raises `Refused` where the server can't execute now.
    """
    pool: aioredis.BlockingConnectionPool = aioredis.BlockingConnectionPool.from_url(
        url,
        protocol=2,
        parser_class=RefusingParser,
        max_connections=_MOST,
        timeout=_TIMEOUT,
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
    )
    return aioredis.Redis.from_pool(pool)


async def run_id(redis: aioredis.Redis) -> str:
    """The id that the server gave itself at its start; a replica that takes over has another."""
    return str((await redis.info("server"))["run_id"])
