"""Commands that wait for a hook: each room has its own queue, so none waits for another's.

The records behind them are not acknowledged until they are settled. What passes them by, of other
rooms, comes again after a crash, and is known then by its offset.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from app.stream.batch import Batch
from app.stream.fail_stop import EXIT_FAIL_STOP

log = structlog.get_logger()

#: Commands that wait at most, over all rooms; beyond, everybody waits.
MOST = 5_000


class _Turn(NamedTuple):
    """`settle` is called with what `answer` gives, and puts into the batch what comes of it."""

    batch: Batch
    answer: asyncio.Task[object] | None
    settle: Callable[[Batch, object], None]


class RoomQueues:
    """The queues. A room that is in it stays in order: all its later commands wait, too."""

    def __init__(self) -> None:
        self._rooms: dict[str, deque[_Turn]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._fewer = asyncio.Condition()

    def __contains__(self, room: str) -> bool:
        return room in self._rooms

    def put(
        self,
        room: str,
        batch: Batch,
        ask: Awaitable[object] | None,
        settle: Callable[[Batch, object], None],
    ) -> None:
        """Queue a command behind those of its room; what it asks for is asked for at once."""
        answer = None if ask is None else asyncio.ensure_future(_caught(ask))
        turn = _Turn(batch, answer, settle)
        self._count += 1
        if room in self._rooms:
            self._rooms[room].append(turn)
            return
        self._rooms[room] = deque([turn])
        task = asyncio.create_task(self._run(room))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def bounded(self) -> None:
        """Return when fewer than `MOST` wait."""
        async with self._fewer:
            await self._fewer.wait_for(lambda: self._count < MOST)

    async def _run(self, room: str) -> None:
        queue = self._rooms[room]
        while queue:
            turn = queue[0]
            answer = None if turn.answer is None else await turn.answer
            # After a rebalance whoever has the partition now begins with these again.
            if turn.batch.is_current:
                turn.settle(turn.batch, answer)
                await turn.batch.finish()
            queue.popleft()
            self._count -= 1
            async with self._fewer:
                self._fewer.notify_all()
        del self._rooms[room]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("moderation is in doubt, the process ends", exc_info=error)
            os._exit(EXIT_FAIL_STOP)


async def _caught(ask: Awaitable[object]) -> object:
    """What is answered, or the exception: whoever takes it knows what that means."""
    try:
        return await ask
    except Exception as error:  # noqa: BLE001 - it is the answer
        return error
