"""Publishing the log into Valkey: the port that `fan_out` writes through."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from importlib.resources import files
from typing import Any, NamedTuple

import orjson
from redis import asyncio as aioredis

from app.delivery import keys
from app.events import AnyLogEvent, MemberAdded, MessageCreated, RoomCreated, Verdict, encode


class Entry(NamedTuple):
    """A record of `chat.log`; `event` is `None` where it is not one of ours."""

    partition: int
    offset: int
    value: bytes
    event: AnyLogEvent | None
    edge: str


class Outcome(IntEnum):
    """What became of an entry; from `BEHIND` down it was not published."""

    PUBLISHED = 1
    REPEATED = 0
    BEHIND = -1
    GAP = -2


class Publisher:
    """Writes the view: each room's newest events, heads, members, and the live channels.

    Every entry is one atomic step in Valkey, refused unless the entry before it is there. So
    whoever publishes a partition's log in order, from wherever, and however often, leaves the
    view as if it had been done once.
    """

    def __init__(self, redis: aioredis.Redis, window: int) -> None:
        self._redis = redis
        self._window = window
        self._publish = redis.register_script(_source("publish.lua"))
        self._skip = redis.register_script(_source("skip.lua"))

    async def publish(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Publish in order, in one round trip; the outcome of each.

        After an outcome below zero the partition's later entries have one, too.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            asked: list[int] = []
            for entry in entries:
                await self._add(pipe, entry)
                asked.append(len(pipe.command_stack) - 1)
            answers = await pipe.execute()
        return [Outcome(answers[place]) for place in asked]

    async def position(self, partition: int) -> int:
        """The offset up to which a partition's view stands; -1 where it is empty."""
        value = await self._redis.get(keys.position(partition))
        return -1 if value is None else int(value)

    async def answer(self, verdicts: Sequence[Verdict]) -> None:
        """Give edges the answers they wait for."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for verdict in verdicts:
                pipe.publish(keys.edge(verdict.edge), encode(verdict))
            await pipe.execute()

    async def _add(self, pipe: Any, entry: Entry) -> None:
        event, partition = entry.event, entry.partition
        if event is None:
            await self._skip(keys=[keys.position(partition)], args=[entry.offset], client=pipe)
            return
        joined = _joined(event)
        if joined:
            # Ahead of the event and repeated with it: the rooms of a person live elsewhere.
            pipe.hset(keys.rooms_of(joined[0]), event.room, event.n)
        await self._publish(
            keys=[
                keys.position(partition),
                keys.room(partition, event.room),
                keys.log(partition, event.room),
                keys.members(partition, event.room),
            ],
            args=[
                entry.offset,
                event.n,
                self._window,
                entry.value,
                keys.channel(partition, event.room),
                keys.edge(entry.edge) if entry.edge else "",
                encode(_accepted(event)) if entry.edge else "",
                keys.user(joined[0]) if joined else "",
                orjson.dumps(_room_fields(event)),
                orjson.dumps([joined[0], f"{joined[1]} {event.n}"] if joined else []),
            ],
            client=pipe,
        )


def _source(name: str) -> str:
    return files("app.delivery").joinpath(name).read_text()


def _joined(event: AnyLogEvent) -> tuple[str, str] | None:
    if isinstance(event, RoomCreated):
        return event.by, "owner"
    return (event.user, event.role) if isinstance(event, MemberAdded) else None


def _room_fields(event: AnyLogEvent) -> list[str]:
    if isinstance(event, RoomCreated):
        return ["type", event.type, "name", event.name, "seq", "0"]
    return ["seq", str(event.seq)] if isinstance(event, MessageCreated) else []


def _accepted(event: AnyLogEvent) -> Verdict:
    return Verdict(
        id=event.id,
        room=event.room,
        by=event.by,
        client_id=event.client_id,
        event_id=event.id,
        n=event.n,
        seq=event.seq if isinstance(event, MessageCreated) else 0,
    )
