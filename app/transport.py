"""Faust's aiokafka transport with what Parley needs changed; URLs `parley://host:port`.

The producer is idempotent. Without that, aiokafka gives a batch up when its time is over and goes
on with the next, so that a later output of a room can be in Kafka where an earlier one is not. With
it, the broker takes a partition's batches in order or not at all.

A worker that is stopped leaves its groups. Members with a name of their own (`group.instance.id`)
don't by themselves, in any client: the broker keeps their partitions for them until the session is
over, which is right for one that was killed and comes back, and wrong for one that was told to go.

Fetches wait 200 ms at the broker for something to come, not 1,500. A broker answers a client's
fetches one after the other, and after a rebalance two of them in a row are for other partitions
than those that have something to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as stock

_FETCH_WAIT_MS = 200


class Producer(stock.Producer):
    """Faust's producer, idempotent."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class ConsumerThread(stock.AIOKafkaConsumerThread):
    """Faust's consumer thread; fetches without long waits and leaves the group in the end."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop. A member without a name of its own says goodbye, so the name goes first."""
        if self._consumer is not None:
            self._consumer._coordinator._group_instance_id = None
        await super().on_thread_stop()


class Consumer(stock.Consumer):
    """Faust's consumer on the thread above."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class Transport(stock.Transport):
    """Faust's transport with the producer and the consumer above."""

    Consumer = Consumer
    Producer = Producer
