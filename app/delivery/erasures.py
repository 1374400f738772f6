"""Erasing words from the view in Valkey, and from the memory of every edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.scripts import Scripts

#: Events of one call, during which Valkey does nothing else.
_MOST = 200


class Notice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an edge is to remove from its memory.

    A person's words: those of `user` below `ends` or up to `until_ms`, and the edits of the
    messages (room, seq) in `gone`. Or a room's: those in `room` from before `before_ms`. `number`
    counts the notices, so that an edge finds out that it has missed one.
    """

    number: int = 0
    user: str = ""
    ends: tuple[int, ...] = ()
    until_ms: int = -1
    gone: tuple[tuple[str, int], ...] = ()
    room: str = ""
    before_ms: int = 0


_encode = Encoder().encode
decode_notice = Decoder(Notice).decode


class ViewErasures:
    """Erases words in Valkey. Raises `Unreachable` where it is away."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis: Any = redis
        self._scripts = Scripts(redis)

    async def replace(
        self, partition: int, room: str, events: Mapping[int, bytes], last_seq: int = 0
    ) -> int:
        """Replace events of a room's window, by `n`, and drop the empty ones; how many were there.

        `last_seq`: the last message, whose words go from the list of rooms; 0 for none.
        """
        names = [keys.room(partition, room), keys.log(partition, room)]
        places = list(events)
        count = 0
        for start in range(0, len(places) or 1, _MOST):
            pairs = [part for n in places[start : start + _MOST] for part in (n, events[n])]
            arguments = [str(last_seq or ""), *pairs]
            count += (await self._scripts.run([("erase.lua", names, arguments)]))[0]
        return count

    async def tell_edges(self, notice: Notice) -> None:
        """Have every edge remove the same from its memory."""
        number = await self._redis.incr(keys.erasures())
        await self._redis.publish(keys.erasures(), _encode(replace(notice, number=number)))
