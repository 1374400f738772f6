"""A record as an agent sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Record(NamedTuple):
    """A record from Kafka; an absent key or value is empty."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


def record_of(message: Any) -> Record:
    """The record of a message of aiokafka or Faust."""
    headers = message.headers or ()
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key or b"",
        message.value or b"",
        tuple(headers.items()) if isinstance(headers, dict) else headers,
    )
