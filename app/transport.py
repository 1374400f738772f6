"""Faust's aiokafka transport with what Parley needs changed; URLs `parley://host:port`.

One change so far: the producer is idempotent. Without that, aiokafka gives a batch up when its
time is over and goes on with the next, so that a later output of a room can be in Kafka where an
earlier one is not. With it, the broker takes a partition's batches in order or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as stock


class Producer(stock.Producer):
    """Faust's producer, idempotent."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(stock.Transport):
    """Faust's transport with the producer above."""

    Producer = Producer
