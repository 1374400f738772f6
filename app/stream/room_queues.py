"""Commands that wait for the webhook, in a queue for each room: no room waits for another.

Their records are not acknowledged until they are settled. Later records of other rooms pass them:
after a crash those come again, and are recognized by their offset.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from app.stream.batch import Batch
from app.stream.fail_stop import fail_stop

#: Commands that wait over all rooms; at this number the stage takes no more.
MAX_WAITING = 5_000


class _Waiting(NamedTuple):
    """A command; `settle` is called with the result of `answer` and sends the outputs."""

    batch: Batch
    answer: asyncio.Task[object] | None
    settle: Callable[[Batch, object], None]


class RoomQueues:
    """Queues by room. While a room has one, all its later commands go into it, to keep order."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._fewer = asyncio.Condition()

    def __contains__(self, room: str) -> bool:
        return room in self._queues

    def put(
        self,
        room: str,
        batch: Batch,
        request: Awaitable[object] | None,
        settle: Callable[[Batch, object], None],
    ) -> None:
        """Queue a command behind those of its room; its `request` begins at once.

        `settle` gets the request's result, or its exception; `None` without a request.
        """
        answer = None if request is None else asyncio.ensure_future(_result(request))
        waiting = _Waiting(batch, answer, settle)
        self._count += 1
        if room in self._queues:
            self._queues[room].append(waiting)
            return
        self._queues[room] = deque([waiting])
        task = asyncio.create_task(self._run(room))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def wait_for_room(self) -> None:
        """Return when fewer than `MAX_WAITING` commands wait."""
        async with self._fewer:
            await self._fewer.wait_for(lambda: self._count < MAX_WAITING)

    async def _run(self, room: str) -> None:
        queue = self._queues[room]
        while queue:
            first = queue[0]
            answer = None if first.answer is None else await first.answer
            # After a rebalance the partition's new worker handles these records again.
            if first.batch.is_current:
                first.settle(first.batch, answer)
                await first.batch.finish()
            queue.popleft()
            self._count -= 1
            async with self._fewer:
                self._fewer.notify_all()
        del self._queues[room]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            fail_stop("a command that waited for the webhook failed", error)


async def _result(request: Awaitable[object]) -> object:
    """The result or the exception: the caller knows what each means."""
    try:
        return await request
    except Exception as error:  # noqa: BLE001 - it is the result
        return error
