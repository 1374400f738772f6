"""A record as an agent sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Record(NamedTuple):
    """A record as it came from Kafka; a key or value that is not there is empty."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


def record_of(message: Any) -> Record:
    """What aiokafka or Faust has as a message."""
    headers = message.headers or ()
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key or b"",
        message.value or b"",
        tuple(headers.items()) if isinstance(headers, dict) else headers,
    )
