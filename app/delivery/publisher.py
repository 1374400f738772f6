"""Publishing the log into Valkey: the port that `fan_out` writes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from secrets import token_hex
from typing import Any

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.publish_calls import Entry, PublishCall, steps
from app.delivery.scripts import Command, Scripts
from app.events import MessageDeleted, MessageEdited, Verdict, encode


class Outcome(IntEnum):
    """What became of an entry; from `BEHIND` down it was not published."""

    PUBLISHED = 1
    REPEATED = 0
    BEHIND = -1
    GAP = -2


class Publisher:
    """Writes the view: each room's newest events, heads, members, and the live channels.

    Every entry is part of an atomic step in Valkey, refused unless the entry before it is there.
    So whoever publishes a partition's log in order, from wherever, and however often, leaves the
    view as if it had been done once.
    """

    def __init__(self, redis: aioredis.Redis, window: int) -> None:
        self._redis: Any = redis
        self._window = window
        self._scripts = Scripts(redis)

    async def publish(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Publish entries in order, in few round trips; the outcome of each.

        Give each partition's one after the other. After an outcome below zero the partition's
        later entries have one, too; the other partitions' don't.
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
        commands = [command for step in steps(entries, texts) for command in self._commands(step)]
        answers = await self._scripts.run(commands)
        return [Outcome(one) for answer in answers if isinstance(answer, list) for one in answer]

    def _commands(self, step: PublishCall) -> Iterator[Command]:
        # Ahead of the events and repeated with them: it lies elsewhere in a cluster.
        for user, room, n in step.belong:
            yield "belong.lua", [keys.rooms_of(user)], [room, n]
        yield "publish.lua", step.keys, [self._window, *step.arguments]

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

    async def whole(self, partition: int) -> bool:
        """Whether the partition's view may be read: nothing of it is known to be missing."""
        return bool(await self._redis.exists(keys.whole(partition)))

    async def filling(self, partition: int) -> bytes:
        """A sign that is there as long as the partition's view loses nothing.

        Whoever fills it looks up the log's end behind that: it is one that no reader has seen
        more of, then.
        """
        sign = token_hex(8).encode()
        key = keys.filling(partition)
        return await self._redis.set(key, sign, nx=True, get=True) or sign

    async def note_whole(self, partition: int, end: int, sign: bytes) -> bool:
        """Let the partition's view be read, if it stands at `end` of the log, and say whether.

        Not where the view has lost anything since it gave the sign.
        """
        names = [of(partition) for of in (keys.position, keys.whole, keys.filling)]
        return bool((await self._scripts.run([("whole.lua", names, [end, sign])]))[0])

    async def belong(self, places: Mapping[tuple[str, str], int]) -> None:
        """Note where people belong: (user, room) → `n` of joining, or minus that of leaving."""
        await self._scripts.run(
            [("belong.lua", [keys.rooms_of(user)], [room, n]) for (user, room), n in places.items()]
        )

    async def drop(self, partition: int) -> None:
        """Empty the view of a partition."""
        await self.lost(partition)
        async for key in self._redis.scan_iter(match=keys.of_partition(partition), count=500):
            await self._redis.unlink(key)

    async def lost(self, partition: int) -> None:
        """Have nobody read the partition's view until it is filled; others look after theirs."""
        names = (keys.whole, keys.filling, keys.receipts, keys.receipts_filling)
        await self._redis.delete(*(of(partition) for of in names))

    async def answer(self, verdicts: Sequence[Verdict]) -> None:
        """Give edges the answers they wait for."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for verdict in verdicts:
                pipe.publish(keys.edge(verdict.edge), encode(verdict))
            await pipe.execute()
