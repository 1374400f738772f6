"""The start of a process: it says what it waits for, and a signal ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: Seconds after which a start says what it waits for, and between two times.
_SAY_AFTER: Final = 5.0
_SAY_EVERY: Final = 15.0

#: Seconds that the parts of a process get which a signal has ended before it was ready: one may
#: hang in the call that the start waited for.
_GIVE_UP: Final = 8.0


class Stop(asyncio.Event):
    """Set by SIGTERM and SIGINT, or by the process itself.

    Until `started` is called, a signal also cancels the task that starts the process.
    """

    def __init__(self, starting: asyncio.Task[None]) -> None:
        super().__init__()
        self._starting: asyncio.Task[None] | None = starting
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)

    def started(self) -> None:
        """From here on the process ends itself when this event is set."""
        self._starting = None

    def _on_signal(self) -> None:
        self.set()
        if self._starting is not None:
            starting, self._starting = self._starting, None
            starting.cancel()
            asyncio.get_running_loop().call_later(_GIVE_UP, _exit)


async def run_until_signal(main: Callable[[Stop], Awaitable[None]]) -> None:
    """Run a process's `main`, which calls `started` and returns when the event is set.

    A signal before that ends it, too, whatever it waits for.
    """
    task = asyncio.current_task()
    assert task is not None
    stop = Stop(task)
    try:
        await main(stop)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        log.info("stopped before it was ready")


@asynccontextmanager
async def waiting_for(what: str) -> AsyncIterator[None]:
    """Log what a start waits for, from a few seconds on."""
    saying = asyncio.create_task(_say(what))
    try:
        yield
    finally:
        saying.cancel()


async def _say(what: str) -> None:
    began = time.monotonic()
    await asyncio.sleep(_SAY_AFTER)
    while True:
        log.warning("not ready yet", waits_for=what, seconds=round(time.monotonic() - began))
        await asyncio.sleep(_SAY_EVERY)


def _exit() -> None:
    log.warning("a part did not end in time")
    os._exit(1)
