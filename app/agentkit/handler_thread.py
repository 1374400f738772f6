"""The thread of an agent's handlers.

A handler may block: sleep, compute, wait for a database. In a thread of its own it holds up nothing
but the agent: the process goes on telling Kafka that it is there, and keeps its partitions.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import structlog
import uvloop

from app.runtime.heartbeat import heartbeat_of

R = TypeVar("R")
log = structlog.get_logger()

#: Seconds after which a handler that has not returned is named in the log, and again so often.
SLOW_SECONDS: Final = 10.0


class HandlerThread:
    """An event loop in a thread, for one agent."""

    def __init__(self, group: str) -> None:
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._group = group
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"{group}-handlers")
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, R]) -> R:
        """The result of a coroutine that runs there.

        Meanwhile the group is no stalled one, however long it takes, and the log says where it is.
        """
        running = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))
        waits, seconds = heartbeat_of(self._group).waits, 0.0
        while True:
            done, _ = await asyncio.wait([running], timeout=SLOW_SECONDS)
            if done:
                waits.pop(self, None)
                return running.result()
            seconds += SLOW_SECONDS
            waits[self] = "a handler of the agent"
            log.warning(
                "a handler has not returned",
                group=self._group,
                seconds=round(seconds),
                where=self._where(),
            )

    def stop(self) -> None:
        """End the loop; a handler that blocks is left to the end of the process."""
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def _where(self) -> str:
        frame = sys._current_frames().get(self._thread.ident or 0)
        if frame is None:
            return "its thread has ended"
        innermost = traceback.extract_stack(frame)[-3:]
        return " | ".join(f"{one.filename}:{one.lineno} {one.line}" for one in innermost)
