"""The state of an edge as metrics: read from its parts when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from app.metrics import catalogue
from web.hub.hub import Hub
from web.server.connection_manager import ConnectionManager


class EdgeGauges(Collector):
    """Connections, streams and polls, and the subscription at Valkey."""

    def __init__(self, hub: Hub, manager: ConnectionManager) -> None:
        self._hub = hub
        self._manager = manager

    def collect(self) -> Iterator[Family]:
        """The samples of this moment."""
        metrics = self._hub.metrics
        yield catalogue.CONNECTIONS.family({(): len(self._manager.connections)})
        yield catalogue.STREAMS.family({(): metrics.streams})
        yield catalogue.POLLS.family({(): metrics.polls})
        yield catalogue.VALKEY_CONNECTED.family({(): float(self._hub.subscription.connected)})
