"""Faust's consumer thread, with short waits, and leaving its group when it is told to stop.

Members with a name of their own (`group.instance.id`) don't leave by themselves, in any client: the
broker keeps their partitions for them until the session is over, which is right for one that was
killed and comes back, and wrong for one that was told to go.

Fetches wait 200 ms at the broker for something to come, not 1,500. A broker answers a client's
fetches one after the other, and after a rebalance two of them in a row are for other partitions
than those that have something to read.
"""

from __future__ import annotations

from typing import Any

from faust.transport.drivers import aiokafka as stock

_FETCH_WAIT_MS = 200


class ConsumerThread(stock.AIOKafkaConsumerThread):
    """Faust's consumer thread with the two changes above."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop. A member without a name of its own says goodbye, so the name goes first."""
        if self._consumer is not None:
            self._consumer._coordinator._group_instance_id = None
        await super().on_thread_stop()
