"""Work beside the batches of an agent: tasks whose results need a batch to be stored."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog
from faust.types import TP

from app.topics import LOG

log = structlog.get_logger()

#: Seconds after which there is a batch for what tasks have done.
_STORE_SECONDS: Final = 0.1


class SideWork:
    """The tasks of an agent that reads `chat.log`, and the batches that they ask for."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin a task, whose error ends the worker with the next batch: its successor goes on."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self.ended)
        return task

    def check(self) -> None:
        """Raise the error that a task has ended with; to be called with each batch."""
        if self._failure is not None:
            raise self._failure

    def wake_soon(self) -> None:
        """Have a batch soon, if the agent has a partition."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_STORE_SECONDS, self._wake)

    def cancel(self) -> None:
        """End all tasks that were begun here."""
        for task in self._tasks:
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        consumer = self._app.consumer
        mine = [place for place in consumer.assignment() if place.topic == LOG]
        if mine:
            consumer.wake(TP(*mine[0]))

    def ended(self, task: asyncio.Task[Any]) -> None:
        """Called when a task ends that was begun elsewhere, and outlives `cancel`."""
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("work beside the batches failed", why=repr(error))
        self._failure = error
        self.wake_soon()
