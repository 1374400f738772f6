"""A patch of aiokafka: asking the brokers of the settings again when all known ones fail.

A client of aiokafka asks the brokers that the last metadata named. While most of a cluster is down
that may be a single one; when that one fails, too, the client never asks the others again, however
long they have been back (docs/decisions/first-brokers.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import BrokerMetadata

from app.kafka.versions import require_tested

log = structlog.get_logger()
_stock = AIOKafkaClient._metadata_update


def rebootstrap_from_settings() -> None:
    """Make every client of this process ask its first brokers when the others fail."""
    require_tested("aiokafka", "app/kafka/patch_rebootstrap.py")
    AIOKafkaClient._metadata_update = _metadata_update


async def _metadata_update(client: Any, cluster: Any, topics: Iterable[str]) -> bool:
    """Called by aiokafka to refresh the cluster's metadata; whether that worked."""
    if await _stock(client, cluster, topics):
        return True
    for number, (host, port, _) in enumerate(client.hosts):
        if metadata := await _ask(client, f"first-{number}", host, port, topics):
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
