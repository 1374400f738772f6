"""Finding a cluster again by the brokers of the settings.

A client of aiokafka's goes by the brokers that it heard of last. While most of a cluster is down
that may be a single one; when that one dies, the client never looks at the others again, however
long they have been back. (docs/decisions/first-brokers.md)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import BrokerMetadata

log = structlog.get_logger()
_stock = AIOKafkaClient._metadata_update


def remember_first_brokers() -> None:
    """Have all clients of this process ask the brokers that they began with, when others fail."""
    AIOKafkaClient._metadata_update = _metadata_update


async def _metadata_update(client: Any, cluster: Any, topics: Iterable[str]) -> bool:
    """Called by aiokafka when it wants to know the cluster anew; whether it does."""
    if await _stock(client, cluster, topics):
        return True
    for place, (host, port, _) in enumerate(client.hosts):
        if metadata := await _ask(client, f"first-{place}", host, port, topics):
            cluster.update_metadata(metadata)
            log.info("found the cluster again", by=f"{host}:{port}")
            return True
    return False


async def _ask(client: Any, node: str, host: str, port: int, topics: Iterable[str]) -> Any:
    client.cluster._bootstrap_brokers[node] = BrokerMetadata(node, host, port, None)
    connection = await client._get_conn(node)
    if connection is None:
        return None
    try:
        metadata = await connection.send(MetadataRequest(list(topics) if topics else None))
    except (KafkaError, TimeoutError):
        return None
    return metadata if metadata.brokers else None
