"""Publishing the log into the view in Valkey, for the agent `fan_out`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import islice
from secrets import token_hex
from typing import Any

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.publish_calls import Entry, PublishCall, publish_calls
from app.delivery.refill_progress import CHUNK
from app.delivery.scripts import Command, Scripts
from app.delivery.valkey import run_id
from app.events import MessageDeleted, MessageEdited, Verdict, encode
from app.settings import Settings
from app.topics import partition_of


class Outcome(IntEnum):
    """The outcome of an entry; from `BEHIND` down it was not published.

    `STALE`: the view is of an epoch before the entry's.
    """

    PUBLISHED = 1
    REPEATED = 0
    BEHIND = -1
    GAP = -2
    STALE = -3


class Publisher:
    """Writes the view: each room's newest events, head and members, and the live channels.

    Every entry is part of an atomic script call, which refuses it unless the entry before it is
    there. So publishing the log of a partition in order, from any offset and any number of times,
    leaves the view as after publishing it once.
    """

    def __init__(
        self, redis: aioredis.Redis, window: int, window_bytes: int = Settings.window_bytes
    ) -> None:
        self._redis: Any = redis
        self._window = window, window_bytes
        self._scripts = Scripts(redis)
        self._named = False

    async def belong_to(self, deployment: str) -> None:
        """Write the id of the deployment, also where the view was emptied since.

        Another deployment that uses the same server by mistake does not lose its own again.
        """
        await self._redis.set(keys.deployment(), deployment, nx=self._named)
        self._named = True

    async def publish(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Publish entries in order, in few round trips; the outcome of each.

        The entries of a partition have to be adjacent. After an outcome below zero the later
        entries of the partition have one, too; those of other partitions don't.
        """
        outcomes: list[Outcome] = []
        run: list[Entry] = []
        for entry in entries:
            if isinstance(entry.event, MessageEdited | MessageDeleted):
                # The event that it replaces may be the one before it.
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
        commands = [
            command for call in publish_calls(entries, texts) for command in self._commands(call)
        ]
        answers = await self._scripts.run(commands)
        return [Outcome(one) for answer in answers if isinstance(answer, list) for one in answer]

    def _commands(self, call: PublishCall) -> Iterator[Command]:
        # Before the events, and repeated with them: in a cluster this key is on another node.
        for user, room, n in call.belong:
            yield "belong.lua", [keys.rooms_of(user)], [room, n]
        yield "publish.lua", call.keys, [*self._window, *call.arguments]

    async def _texts(
        self, partition: int, event: MessageEdited | MessageDeleted
    ) -> dict[int, bytes]:
        """The events of the window with the text that the event replaces."""
        places = [place for place in (event.of, event.prev) if place]
        found = await self._redis.hmget(keys.log(partition, event.room), places)
        return {
            place: raw.split(b" ", 1)[1]
            for place, raw in zip(places, found, strict=True)
            if raw is not None
        }

    async def position(self, partition: int) -> int:
        """The `pos` up to which a partition's view stands; -1 where it is empty."""
        value = await self._redis.get(keys.position(partition))
        return -1 if value is None else int(value)

    async def epoch(self, partition: int) -> int:
        """The epoch of the log from which a partition's view is."""
        return int(await self._redis.get(keys.epoch(partition)) or 0)

    async def whole(self, partition: int) -> bool:
        """Whether the partition's view is complete and may be read."""
        return bool(await self._redis.exists(keys.whole(partition)))

    async def filling(self, partition: int) -> bytes:
        """The token of the partition's view, which changes when the view loses anything.

        A refill looks up the end of the log after this call, so no reader has seen more of the log
        than that end.
        """
        token = token_hex(8).encode()
        key = keys.filling(partition)
        return await self._redis.set(key, token, nx=True, get=True) or token

    async def note_whole(self, partition: int, end: int, token: bytes) -> bool:
        """Mark the partition's view complete if it stands right before `end`; whether it does.

        Not if the view has lost anything since it gave the token.
        """
        names = [of(partition) for of in (keys.position, keys.whole, keys.filling)]
        return bool((await self._scripts.run([("whole.lua", names, [end, token])]))[0])

    async def belong(self, places: Mapping[tuple[str, str], int]) -> None:
        """Write memberships: (user, room) → `n` of joining, or minus the `n` of leaving."""
        waiting = iter(places.items())
        while chunk := list(islice(waiting, CHUNK)):
            await self._scripts.run(
                [("belong.lua", [keys.rooms_of(user)], [room, n]) for (user, room), n in chunk]
            )

    async def run_id(self) -> str:
        """The id of the server's run: another one may have lost what was written before."""
        return await run_id(self._redis)

    async def note_memberships(self, partition: int, token: bytes) -> bool:
        """Mark the partition's memberships complete; not if the view has lost anything since."""
        names = [keys.memberships(partition), keys.filling(partition)]
        return bool((await self._scripts.run([("memberships.lua", names, [token])]))[0])

    async def drop(self, partition: int, but: str = "") -> None:
        """Empty the view of a partition, but for one key."""
        await self.lost(partition)
        async for key in self._redis.scan_iter(match=keys.of_partition(partition), count=500):
            if key != but.encode():
                await self._redis.unlink(key)

    async def begin_epoch(self, partition: int, epoch: int, partitions: int) -> None:
        """Empty the view of a partition that is of an earlier epoch, memberships included.

        It has events that are no part of the log any more.
        """
        if await self.epoch(partition) >= epoch:
            return
        # Edges deliver none of its events before they know of it.
        await self._redis.publish(keys.epochs(), f"{partition} {epoch}")
        # First: marks of before must not come back behind the drop.
        await self._redis.set(keys.receipts_epoch(partition), epoch)
        await self.drop(partition, but=keys.receipts_epoch(partition))
        async for key in self._redis.scan_iter(match=keys.rooms_of("*"), count=500):
            rooms = [room.decode() for room in await self._redis.hkeys(key)]
            gone = [room for room in rooms if partition_of(room, partitions) == partition]
            if gone:
                await self._redis.hdel(key, *gone)
        await self._redis.set(keys.epoch(partition), epoch)

    async def go_on(self, partition: int, epoch: int, start: int) -> bool:
        """Let the view of a partition go on in an epoch that begins behind it; whether it can."""
        names = [of(partition) for of in (keys.position, keys.epoch, keys.receipts_epoch)]
        return bool((await self._scripts.run([("epoch.lua", names, [epoch, start])]))[0])

    async def lost(self, partition: int) -> None:
        """Mark the partition's view incomplete until it is refilled."""
        names = (
            *(keys.whole, keys.memberships, keys.filling),
            *(keys.receipts, keys.receipts_filling),
        )
        await self._redis.delete(*(of(partition) for of in names))

    async def answer(self, verdicts: Sequence[Verdict]) -> None:
        """Send edges the answers that they wait for."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for verdict in verdicts:
                pipe.publish(keys.edge(verdict.edge), encode(verdict))
            await pipe.execute()
