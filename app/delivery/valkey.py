"""The connection to Valkey, or to Redis 7 and newer."""

from __future__ import annotations

from redis import asyncio as aioredis

#: Seconds that a command may take. Ours take microseconds: beyond this the server is away.
_TIMEOUT = 5.0


def connect(url: str) -> aioredis.Redis:
    """A client of the server at `url`; connects with its first command.

    It speaks RESP2, in which published messages and answers look alike to every parser.
    """
    client: aioredis.Redis = aioredis.from_url(
        url, protocol=2, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
    )
    return client
