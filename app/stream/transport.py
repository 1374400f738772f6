"""Faust's aiokafka transport with what Parley needs changed; URLs `parley://host:port`.

The producer is idempotent. Without that, aiokafka gives a batch up when its time is over and goes
on with the next, so that a later output of a room can be in Kafka where an earlier one is not. With
it, the broker takes a partition's batches in order or not at all.

Groups of Parley's own loop (`strict`) take their records in lists (`app/stream/consumer.py`).
Others have Faust's consumer, in a thread: an agent that blocks the event loop does not cost its
group the partitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as stock

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
    """Faust's consumer on a thread that says goodbye."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class Transport(stock.Transport):
    """Faust's transport with the producer and the consumers above."""

    Consumer = Consumer
    Producer = Producer

    def create_consumer(self, callback: Any, **kwargs: Any) -> Any:
        """Called by Faust."""
        app: Any = self.app
        make = ChunkConsumer if app.declared.strict else Consumer
        return make(self, callback=callback, loop=self.loop, **kwargs)
