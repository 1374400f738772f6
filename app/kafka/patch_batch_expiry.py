"""A patch of aiokafka: a batch of an idempotent producer expires, too.

aiokafka tries such a batch again for as long as the broker is away, also where its senders have
been told long ago that it failed. After an outage of an hour the log would get the messages that an
edge had refused an hour before. With this patch a batch fails once its request timeout is over. A
broker takes no later batch of that producer on the partition then, so the producer has to be
replaced (app/kafka/resilient_producer.py).

For edges only. A worker that waits for its broker goes on where it was; with a lost batch it would
have to begin anew.
"""

from __future__ import annotations

from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.producer.sender import SendProduceReqHandler

from app.kafka.versions import require_tested


def expire_batches() -> None:
    """Let batches of every producer of this process expire."""
    require_tested("aiokafka", "app/kafka/patch_batch_expiry.py")
    SendProduceReqHandler._can_retry = _can_retry


def _can_retry(_: SendProduceReqHandler, error: KafkaError, batch: Any) -> bool:
    return bool(error.retriable and not batch.expired())
