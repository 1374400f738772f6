"""Faust's consumer in the worker's own event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from faust.types import TP
from mode import Service
from mode.utils.futures import maybe_async

from app.stream.consumer_thread import ConsumerThread


class Threadless(ConsumerThread):
    """Faust's consumer thread without the thread: it lives in the worker's event loop.

    A thread would keep up the heartbeats while an agent computes for seconds. Ours don't, and on
    one core each thread waits milliseconds for the interpreter.
    """

    wait_for_shutdown = False

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, thread_loop=consumer.loop, **kwargs)

    async def start(self) -> None:
        """Start, here."""
        await Service.start(self)

    async def maybe_start(self) -> bool:
        """Start, here, where that was not done."""
        return await Service.maybe_start(self)

    async def stop(self) -> None:
        """Stop."""
        if self._started.is_set():
            await Service.stop(self)

    async def on_stop(self) -> None:
        """Leave the group and close the connections."""
        await self.on_thread_stop()

    async def crash(self, exc: BaseException) -> None:
        """End with the app."""
        await Service.crash(self, exc)

    async def call_thread(
        self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """Call, here."""
        return await maybe_async(fun(*args, **kwargs))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Called by the group's coordinator."""
        await self.consumer.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Called by the group's coordinator."""
        await self.consumer.on_partitions_assigned(assigned, generation_id)

    def _stopped_set(self) -> None:
        self._stopped.set()

    def set_shutdown(self) -> None:
        """Note that it has stopped."""
        self._shutdown.set()

    async def _stop_children(self) -> None:
        await self._default_stop_children()

    async def _stop_futures(self) -> None:
        await self._default_stop_futures()

    async def _stop_exit_stacks(self) -> None:
        await self._default_stop_exit_stacks()

    @Service.task
    async def _thread_keepalive(self) -> None:
        """There is no thread to keep alive."""
