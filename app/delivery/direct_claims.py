"""Which id a new direct room gets, where edges would give it two.

Edges whose secrets differ for a while make different ids of the same two users. The first edge that
asks decides, and the others follow it until the room itself is in the view.
"""

from __future__ import annotations

from typing import Any, Final

from redis import asyncio as aioredis

from app.delivery import keys

#: Seconds for which an id is held: by then the room is there, or was never opened.
_HELD: Final = 600


class DirectClaims:
    """The ids of direct rooms that are being opened."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis: Any = redis

    async def claim(self, one: str, other: str, room: str) -> str:
        """The id that the direct room of two users gets: `room`, or the one of an earlier claim."""
        key = keys.direct_claim(*sorted((one, other)))
        earlier = await self._redis.set(key, room, nx=True, get=True, ex=_HELD)
        return room if earlier is None else str(earlier.decode())
