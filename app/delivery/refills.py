"""Refills under way: each partition has its own, and none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.metrics.under_way import UnderWay

#: Publishes a partition of the log again, from an offset to its end.
Fill = Callable[[int, int], Awaitable[None]]

#: Refills at the same time: a short one need not wait for long ones, and memory is bounded.
_AT_ONCE = 4


class Refills:
    """Runs refills as tasks, one for a partition at a time; `under_way` is told of each."""

    def __init__(self, fill: Fill, under_way: UnderWay) -> None:
        self._fill = fill
        self._told = under_way
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def under_way(self, partition: int) -> bool:
        """Whether a refill of the partition is under way: until its very last step."""
        task = self._tasks.get(partition)
        return task is not None and not task.done()

    def begin(self, partition: int, start: int) -> asyncio.Task[None]:
        """Begin a refill from the offset `start`, unless one is under way; its task."""
        task = self._tasks.get(partition)
        if task is None or (task.done() and not task.cancelled() and task.exception() is None):
            self._told.begin(partition)
            task = self._tasks[partition] = asyncio.create_task(self._run(partition, start))
            task.add_done_callback(lambda done: self._end(partition, done))
        return task

    def raise_failed(self) -> None:
        """Raise the error of a refill that failed since the last call."""
        for partition, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[partition]
                task.result()

    async def _run(self, partition: int, start: int) -> None:
        async with self._slots:
            await self._fill(partition, start)

    def _end(self, partition: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(partition) is not task:
            return  # the next one has begun already
        self._told.end(partition)
        if task.cancelled() or task.exception() is None:
            del self._tasks[partition]
