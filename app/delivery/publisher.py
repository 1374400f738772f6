"""Publishing the log into Valkey: the port that `fan_out` writes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from importlib.resources import files
from typing import Any, NamedTuple

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.changes import changes_of
from app.events import (
    AnyLogEvent,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    Ruling,
    Verdict,
    encode,
)


class Entry(NamedTuple):
    """A record of `chat.log`; `event` is `None` where it is not one of ours."""

    partition: int
    offset: int
    value: bytes
    event: AnyLogEvent | None
    edge: str
    ruling: Ruling | None = None


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
        self._redis: Any = redis
        self._window = window
        self._publish = redis.register_script(_source("publish.lua"))
        self._belong = redis.register_script(_source("belong.lua"))
        self._skip = redis.register_script(_source("skip.lua"))

    async def publish(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Publish in order, in few round trips; the outcome of each.

        After an outcome below zero the partition's later entries have one, too.
        """
        outcomes: list[Outcome] = []
        run: list[Entry] = []
        for entry in entries:
            if isinstance(entry.event, MessageEdited | MessageDeleted):
                # What it replaces may be just before it.
                outcomes += await self._run(run, {})
                outcomes += await self._run(
                    [entry], await self._texts(entry.partition, entry.event)
                )
                run = []
            else:
                run.append(entry)
        return outcomes + await self._run(run, {})

    async def _run(self, entries: Sequence[Entry], texts: dict[int, bytes]) -> list[Outcome]:
        if not entries:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            asked: list[int] = []
            for entry in entries:
                await self._add(pipe, entry, texts)
                asked.append(len(pipe.command_stack) - 1)
            answers = await pipe.execute()
        return [Outcome(answers[place]) for place in asked]

    async def _texts(
        self, partition: int, event: MessageEdited | MessageDeleted
    ) -> dict[int, bytes]:
        """The window's events that hold the text which the event replaces."""
        places = [place for place in (event.of, event.prev) if place]
        found = await self._redis.hmget(keys.log(partition, event.room), places)
        return {
            place: raw.split(b" ", 1)[1]
            for place, raw in zip(places, found, strict=True)
            if raw is not None
        }

    async def position(self, partition: int) -> int:
        """The offset up to which a partition's view stands; -1 where it is empty."""
        value = await self._redis.get(keys.position(partition))
        return -1 if value is None else int(value)

    async def belong(self, places: Mapping[tuple[str, str], int]) -> None:
        """Note where people belong: (user, room) → `n` of joining, or minus that of leaving."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for (user, room), n in places.items():
                await self._belong(keys=[keys.rooms_of(user)], args=[room, n], client=pipe)
            await pipe.execute()

    async def drop(self, partition: int) -> None:
        """Empty the view of a partition."""
        async for key in self._redis.scan_iter(match=keys.of_partition(partition), count=500):
            await self._redis.unlink(key)

    async def lost(self, partition: int) -> None:
        """Note that Valkey has lost some of the partition, so that others look after theirs."""
        await self._redis.delete(keys.receipts(partition))

    async def answer(self, verdicts: Sequence[Verdict]) -> None:
        """Give edges the answers they wait for."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for verdict in verdicts:
                pipe.publish(keys.edge(verdict.edge), encode(verdict))
            await pipe.execute()

    async def _add(self, pipe: Any, entry: Entry, texts: dict[int, bytes]) -> None:
        event, partition = entry.event, entry.partition
        if event is None:
            position = keys.position(partition)
            await self._skip(keys=[position], args=[entry.offset], client=pipe)
            return
        changes = changes_of(event, texts)
        for user, n in changes.belong:
            # Ahead of the event and repeated with it: it lies elsewhere in a cluster.
            rooms = keys.rooms_of(user)
            await self._belong(keys=[rooms], args=[event.room, n], client=pipe)
        answered = bool(entry.edge)
        await self._publish(
            keys=_keys(partition, event.room, changes.named),
            args=[
                entry.offset,
                event.n,
                self._window,
                keys.channel(partition, event.room),
                entry.value,
                keys.edge(entry.edge) if answered else "",
                encode(_accepted(event, entry.ruling)) if answered else "",
                changes.json(),
            ],
            client=pipe,
        )


def _keys(partition: int, room: str, named: Sequence[str]) -> list[str]:
    return [
        keys.position(partition),
        *(
            of(partition, room)
            for of in (keys.room, keys.log, keys.members, keys.read, keys.gone, keys.everyone)
        ),
        keys.sanctions(partition, room),
        *(keys.mentioned(partition, room, user) for user in named),
    ]


def _source(name: str) -> str:
    return files("app.delivery").joinpath(name).read_text()


def _accepted(event: AnyLogEvent, ruling: Ruling | None) -> Verdict:
    return Verdict(
        id=event.id,
        room=event.room,
        by=event.by,
        client_id=event.client_id,
        event_id=event.id,
        n=event.n,
        seq=event.seq if isinstance(event, MessageCreated) else 0,
        ruling=ruling,
    )
