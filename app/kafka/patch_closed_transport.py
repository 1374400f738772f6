"""A patch of aiokafka: a write to a transport that uvloop has closed is a broken connection.

When a broker goes away, uvloop closes the transport at once and tells the connection's reader a
turn of the loop later. A request that is sent in between raises `RuntimeError` under uvloop, where
asyncio drops the bytes or raises `OSError`. aiokafka expects the latter alone: it took the error
for a fault of its own, and the coordination of a consumer group ended
(docs/decisions/closed-transports.md).
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

from app.kafka.versions import require_tested

_stock = AIOKafkaConnection.send


def expect_closed_transports() -> None:
    """Make every connection of this process close itself, and say so, where its transport is."""
    require_tested("aiokafka", "app/kafka/patch_closed_transport.py")
    AIOKafkaConnection.send = _send


def _send(connection: Any, request: Any, expect_response: bool = True) -> Any:
    """Called by aiokafka for each request. Raises `KafkaConnectionError` where it is broken."""
    try:
        return _stock(connection, request, expect_response)
    except KafkaError:  # itself a RuntimeError
        raise
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(
            f"Connection at {connection.host}:{connection.port} broken: {error}"
        ) from error
