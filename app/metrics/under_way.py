"""A gauge of what is under way: the time since the oldest of it began."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from app.metrics.metric import Metric


class UnderWay(Collector):
    """Actions that are under way, each by a key."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._since: dict[Hashable, float] = {}

    def begin(self, key: Hashable) -> None:
        """Note that an action begins, unless it has begun already."""
        self._since.setdefault(key, time.monotonic())

    def end(self, key: Hashable) -> None:
        """Note that an action has ended."""
        self._since.pop(key, None)

    def collect(self) -> Iterator[Family]:
        """The sample of this moment."""
        oldest = min(self._since.values(), default=None)
        seconds = 0.0 if oldest is None else time.monotonic() - oldest
        yield self._metric.family({(): seconds})
