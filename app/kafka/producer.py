"""The producer of an edge and of the operator's commands."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from app.settings import Settings
from app.topics import RULES_BYTES

#: Bytes of a producer batch. aiokafka's default of 16 KiB holds sixty messages, and the next ones
#: would wait for their round trip.
_BATCH_BYTES = 256 * 1024


#: Milliseconds after which a batch that no broker takes has failed, and a request has no answer.
#: aiokafka's default of 40 s is beyond all that a request of a client waits for.
DELIVERY_MS = 30_000


def new_producer(settings: Settings, delivery_ms: int = DELIVERY_MS) -> AIOKafkaProducer:
    """A producer for records up to the size of a rule set."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        acks="all",
        request_timeout_ms=delivery_ms,
        enable_idempotence=True,
        linger_ms=1,
        max_batch_size=_BATCH_BYTES,
        max_request_size=RULES_BYTES,
    )
