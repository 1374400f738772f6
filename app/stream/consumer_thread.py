"""Faust's consumer thread with shorter fetches and a goodbye, and a variant without a thread.

A member with a `group.instance.id` does not leave its group when it stops, in any client: the
broker reserves its partitions until the session times out. That is right for a worker that was
killed and comes back, and wrong for one that was told to stop.

A fetch waits up to 200 ms at the broker, not 1,500. A broker answers the fetches of a client one
after the other, and after a rebalance two of them in a row may be for partitions that have nothing
to read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from mode import Service
from mode.utils.futures import maybe_async

_FETCH_WAIT_MS = 200


class ConsumerThread(stock.AIOKafkaConsumerThread):
    """Faust's consumer thread with the two changes above."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def on_thread_stop(self) -> None:
        """Leave the group and stop. Only a member without an instance id leaves: so drop the id."""
        if self._consumer is not None:
            self._consumer._coordinator._group_instance_id = None
        await super().on_thread_stop()


class InLoopConsumerThread(ConsumerThread):
    """The same interface in the worker's event loop.

    A thread would send heartbeats to Kafka while an agent computes for seconds. Parley's agents
    never do, and on one core each thread waits milliseconds for the interpreter.
    """

    wait_for_shutdown = False

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, thread_loop=consumer.loop, **kwargs)

    async def start(self) -> None:
        """Start in this event loop."""
        await Service.start(self)

    async def maybe_start(self) -> bool:
        """Start in this event loop, unless it is started."""
        return await Service.maybe_start(self)

    async def stop(self) -> None:
        """Stop."""
        if self._started.is_set():
            await Service.stop(self)

    async def on_stop(self) -> None:
        """Leave the group and close the connections."""
        await self.on_thread_stop()

    async def crash(self, exc: BaseException) -> None:
        """Crash the app."""
        await Service.crash(self, exc)

    async def call_thread(
        self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """Call in this event loop."""
        return await maybe_async(fun(*args, **kwargs))

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit, with the consumer's mark for each offset; `False` where a rebalance was first."""
        consumer: Any = self.consumer
        mine = self.assignment()
        marked = {
            TopicPartition(*place): (offset, consumer.mark_for(place, offset))
            for place, offset in offsets.items()
            if place in mine
        }
        try:
            await self._ensure_consumer().commit(marked)
        except CommitFailedError as error:
            if "already rebalanced" not in str(error):
                await self.crash(error)
            return False
        except Exception as error:  # noqa: BLE001 - every failure ends the process
            await self.crash(error)
            return False
        return True

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Called by the group's coordinator."""
        await self.consumer.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Called by the group's coordinator."""
        await self.consumer.on_partitions_assigned(assigned, generation_id)

    def _stopped_set(self) -> None:
        self._stopped.set()

    def set_shutdown(self) -> None:
        """Note that the service has stopped."""
        self._shutdown.set()

    async def _stop_children(self) -> None:
        await self._default_stop_children()

    async def _stop_futures(self) -> None:
        await self._default_stop_futures()

    async def _stop_exit_stacks(self) -> None:
        await self._default_stop_exit_stacks()

    @Service.task
    async def _thread_keepalive(self) -> None:
        """Nothing: there is no thread to keep alive."""
