"""Keeping what batches have changed in tables: that of all of a moment together.

Each table has a changelog of its own, and each partition of each its place in a request: a few
messages that change three tables in eight partitions cost Kafka and aiokafka as much as hundreds
do. Nobody waits for them: what a batch decided is in Kafka with its outputs, and is decided again
from there by whoever finds it missing in the tables. So the loop goes on, and the changes follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from typing import Any, Final

import structlog
from faust.types import TP

from app.stream.acks import Acks
from app.stream.fail_stop import fail_stop
from app.stream.output_buffer import OutputBuffer, Written
from app.stream.table import Table

log = structlog.get_logger()

#: Brings tables to the end of changelogs, given by place from where on, and up to where.
Read = Callable[[Mapping[TP, Any], Mapping[TP, tuple[int, int | None]]], Awaitable[None]]

#: Seconds that changes wait for others.
EVERY: Final = 0.1

#: Changes that wait at most before the loop waits for them.
_MOST: Final = 20_000


class Checkpointer:
    """Brings table changes to their changelogs, then to RocksDB, then has records committed.

    In this order, and not before the outputs of the batches that made them are in Kafka. Where
    Kafka does not take them, the process ends: its successor begins at the last commit. With
    `every` 0, each batch is kept at once. `read` is `read_changelogs` of the group.
    """

    def __init__(
        self, producer: Any, tables: Sequence[Table[Any]], read: Read, every: float = EVERY
    ) -> None:
        self._producer = producer
        self._tables = tables
        self._read = read
        self._every = every
        #: What was taken, and is done with when its changes are kept; what its outputs got.
        self._owed: list[Acks] = []
        self._written: Written = {}
        self._kept: Written = {}
        self._generation = -1
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def owe(self, taken: Acks, written: Mapping[tuple[str, int], int]) -> None:
        """A batch's outputs are in Kafka, at these highest offsets: keep its changes soon."""
        self._owed.append(taken)
        self._written.update(written)
        for table in self._tables:
            table.settle()
            table.renew()
        if not self._every or sum(table.waiting for table in self._tables) > _MOST:
            await self.now()
        else:
            self._soon()

    def newly_kept(self, generation: int) -> Written:
        """The highest offsets of outputs whose changes were kept since this was last asked.

        Nothing of another generation: its partitions may be somebody else's now.
        """
        kept, self._kept = self._kept, {}
        if generation != self._generation:
            self._generation = generation
            return {}
        return kept

    async def now(self) -> None:
        """Return when everything that has changed is kept."""
        async with self._lock:
            owed, self._owed = self._owed, []
            written, self._written = self._written, {}
            outputs = OutputBuffer(self._producer)
            for table in self._tables:
                for change in table.changes():
                    outputs.add(change.topic, change.partition, change.key, change.value)
            offsets = await outputs.send()
            for table in self._tables:
                table.keep(offsets, without=await self._read_back(table, offsets))
            for taken in owed:
                taken.settled()
            self._kept.update(written)
        if any(table.waiting for table in self._tables):
            self._soon()

    async def _read_back(self, table: Table[Any], offsets: Written) -> Container[int]:
        """Read what somebody else has written between our changes, and these; of which partitions.

        They may be theirs by now, or ours still while a worker that slept writes what it had left
        to write. Either way the newest of each key is what RocksDB gets, and what the changelog
        ends with.
        """
        doubtful = table.doubtful(offsets)
        if doubtful:
            topic = table.changelog_topic_name
            log.warning("somebody else writes to a changelog", topic=topic, partitions=[*doubtful])
            wanted = {TP(topic, partition): (start, None) for partition, start in doubtful.items()}
            await self._read(dict.fromkeys(wanted, table), wanted)
            table.renew()
        return doubtful

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._begin)

    def _begin(self) -> None:
        self._timer = None
        keeping = asyncio.create_task(self.now())
        self._under_way.add(keeping)
        keeping.add_done_callback(self._look)

    def _look(self, keeping: asyncio.Task[None]) -> None:
        self._under_way.discard(keeping)
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            fail_stop("table changes could not be kept", error)
