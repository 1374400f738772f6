"""Faust's aiokafka transport with Parley's changes, for URLs `parley://host:port`.

The producer is idempotent. Without that, aiokafka drops a batch that timed out and sends the next,
so a later output of a room could be in Kafka without an earlier one. An idempotent producer's
batches are taken in order or not at all.

Strict groups get their records in chunks (app/stream/consumer.py). Other groups have Faust's
consumer in a thread, so an agent that blocks the event loop does not lose the group's partitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from app.stream.consumer import ChunkConsumer
from app.stream.consumer_thread import ConsumerThread


class Producer(stock.Producer):
    """Faust's producer, idempotent."""

    @property
    def client(self) -> Any:
        """The producer of aiokafka; raises Faust's `NotReady` before the start."""
        return self._ensure_producer()

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Consumer(stock.Consumer):
    """Faust's consumer on a thread that leaves its group when it stops."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust would say of a quiet topic that it sends no fetch requests."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class Transport(stock.Transport):
    """Faust's transport with Parley's producer and consumers."""

    Consumer = Consumer
    Producer = Producer

    def create_consumer(self, callback: Any, **kwargs: Any) -> Any:
        """Called by Faust."""
        app: Any = self.app
        make = ChunkConsumer if app.declared.strict else Consumer
        return make(self, callback=callback, loop=self.loop, **kwargs)
