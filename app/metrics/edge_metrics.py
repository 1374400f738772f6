"""What an edge counts while it works."""

from __future__ import annotations

from prometheus_client.registry import Collector

from app.metrics import catalogue
from app.metrics.counts import Counts, Timings


class EdgeMetrics:
    """The counters and histograms of an edge, and its open streams and polls."""

    def __init__(self) -> None:
        self.streams = 0
        self.polls = 0
        self.streams_ended = Counts(catalogue.STREAMS_ENDED)
        self.sends = Counts(catalogue.SENDS)
        self.send_seconds = Timings(catalogue.SEND_SECONDS)
        self.delivery_seconds = Timings(catalogue.DELIVERY_SECONDS)
        self.delivered = Counts(catalogue.DELIVERED)
        self.gaps = Counts(catalogue.GAPS)
        self.resets = Counts(catalogue.RESETS)
        self.reconnects = Counts(catalogue.VALKEY_RECONNECTS)

    def collectors(self) -> list[Collector]:
        """The counters and histograms."""
        return [
            *(self.streams_ended, self.sends, self.send_seconds, self.delivery_seconds),
            *(self.delivered, self.gaps, self.resets, self.reconnects),
        ]
