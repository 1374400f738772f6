"""What of a call is true when it is due: presence, read mark, membership and text, from Valkey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.presence import Presences
from app.delivery.snapshot import Snapshots
from app.domain.presence import Presence, status
from app.errors import Malformed
from app.events import MessageCreated, decode_log
from app.topics import partition_of

_presence = msgspec.json.Decoder(Presence).decode


class Asked(NamedTuple):
    """A call by its place: a room, the `n` of its newest message, the member to call."""

    room: str
    n: int
    user: str


class State(NamedTuple):
    """What is true of it now. `read` is the member's read mark, `name` the room's.

    `behind`: the view has not got the message yet. `message` is `None` where the view has it no
    more.
    """

    behind: bool
    member: bool
    absent: bool
    read: int
    name: str
    message: MessageCreated | None


class CallStates:
    """Looks calls up, many in two round trips. Raises `Unreachable` while the view is filled."""

    def __init__(self, redis: aioredis.Redis, partitions: int) -> None:
        self._partitions = partitions
        self._snapshots = Snapshots(redis)
        self._presences = Presences(redis, partitions)

    async def look(self, asked: Sequence[Asked], now_ms: int) -> list[State]:
        """The state of each call."""
        signs = {
            sign
            for one in asked
            for sign in (
                keys.whole(self._place(one.room)),
                keys.receipts(self._place(one.room)),
                keys.presences(self._place(one.user)),
            )
        }

        async def ask(pipe: Any) -> None:
            for room, n, user in asked:
                place = self._place(room)
                pipe.hmget(keys.room(place, room), "n", "name")
                pipe.hget(keys.log(place, room), n)
                pipe.hget(keys.rooms_of(user), room)
                pipe.hget(keys.read(place, room), user)
                pipe.mget(self._presences.key(user), keys.away(user))

        found = iter(await self._snapshots.take(sorted(signs), ask))
        rows = list(zip(found, found, found, found, found, strict=True))
        presences = [_presence(row[4][0]) if row[4][0] else Presence() for row in rows]
        alive = await self._presences.alive(
            edge for presence in presences for edge in presence.open.values()
        )
        return [
            State(
                behind=int(head[0] or 0) < one.n,
                member=int(joined or 0) > 0,
                absent=status(presence, alive, bool(away), now_ms) != "online",
                read=int(read or 0),
                name=(head[1] or b"").decode(),
                message=_message(logged),
            )
            for one, (head, logged, joined, read, (_, away)), presence in zip(
                asked, rows, presences, strict=True
            )
        ]

    def _place(self, key: str) -> int:
        return partition_of(key, self._partitions)


def _message(logged: bytes | None) -> MessageCreated | None:
    if logged is None:
        return None
    try:
        event = decode_log(logged.split(b" ", 1)[1])
    except (Malformed, IndexError):
        return None
    return event if isinstance(event, MessageCreated) else None
