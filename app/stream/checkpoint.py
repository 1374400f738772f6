"""Checkpoints: the table changes of several batches, brought to Kafka and RocksDB together.

Each table has a changelog of its own, and each of its partitions takes a place in the request. A
few messages that change three tables in eight partitions cost Kafka and aiokafka as much as
hundreds of messages do. No client waits for table changes: the outputs of a batch hold what it
decided, and a worker that finds a change missing in its tables derives it again from them. So the
batch loop goes on, and the changes follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from app.stream.acks import Acks
from app.stream.fail_stop import fail_stop
from app.stream.output_buffer import OutputBuffer
from app.stream.table import ReadChangelogs, Table

#: Seconds between two checkpoints.
INTERVAL: Final = 0.1

#: The most changes that wait for a checkpoint before the loop waits for it.
_MOST_UNSENT: Final = 20_000


class Checkpointer:
    """Sends table changes to their changelogs, writes them to RocksDB, then acknowledges batches.

    In this order, and only for batches whose outputs are in Kafka. Where Kafka does not take a
    change the process ends: its successor begins at the last commit. With an `interval` of 0 each
    batch gets a checkpoint at once. `read` is `read_changelogs` of the group.
    """

    def __init__(
        self,
        producer: Any,
        tables: Sequence[Table[Any]],
        read: ReadChangelogs,
        interval: float = INTERVAL,
    ) -> None:
        self._producer = producer
        self._tables = tables
        self._read = read
        self._interval = interval
        #: The batches that the next checkpoint acknowledges.
        self._acks: list[Acks] = []
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, acks: Acks) -> None:
        """Cover a batch whose outputs are in Kafka, soon."""
        self._acks.append(acks)
        for table in self._tables:
            table.settle()
        if not self._interval or sum(table.unsent for table in self._tables) > _MOST_UNSENT:
            await self.run()
        else:
            self._schedule()

    async def run(self) -> None:
        """Make a checkpoint, and return when every settled change is in RocksDB."""
        async with self._lock:
            acks, self._acks = self._acks, []
            unsent = [table.take_changes() for table in self._tables]
            outputs = OutputBuffer(self._producer)
            for changes in unsent:
                for record in changes.records():
                    outputs.add(record.topic, record.partition, record.key, record.value)
            offsets = await outputs.send()
            for changes in unsent:
                storable = await changes.sent(offsets).read_back(self._read)
                storable.store()
            for each in acks:
                each.ack()
        if any(table.unsent for table in self._tables):
            self._schedule()

    def _schedule(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval, self._begin)

    def _begin(self) -> None:
        self._timer = None
        task = asyncio.create_task(self.run())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            fail_stop("a checkpoint failed", error)
