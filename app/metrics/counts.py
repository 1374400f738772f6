"""Counters and histograms for the hot path: an addition to a Python number, without a lock.

The library's own take a lock for each addition, and a histogram of theirs can't count a batch at
once. Everything here is used in one event loop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from app.metrics.metric import Labels, Metric


class Counts(Collector):
    """The counter of a metric, by the values of its labels."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[Labels, int] = {(label,): 0 for label in metric.known}
        if not metric.labels:
            self._values[()] = 0

    def add(self, *labels: str, times: int = 1) -> None:
        """Count `times` more."""
        self._values[labels] = self._values.get(labels, 0) + times

    def value(self, *labels: str) -> int:
        """The number so far."""
        return self._values.get(labels, 0)

    def collect(self) -> Iterator[Family]:
        """The samples."""
        yield self._metric.family(self._values)


class Timings(Collector):
    """The histogram of a metric in seconds, by the values of its labels."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._timings: dict[Labels, Timing] = {}
        if not metric.labels:
            self.of()

    def of(self, *labels: str) -> Timing:
        """The histogram of these labels: to be kept where it is used often."""
        found = self._timings.get(labels)
        if found is None:
            found = self._timings[labels] = Timing(self._metric.buckets)
        return found

    def collect(self) -> Iterator[Family]:
        """The samples."""
        metric = self._metric
        family = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
        for labels, timing in self._timings.items():
            family.add_metric(labels, timing.buckets(), timing.sum)
        yield family


class Timing:
    """How many took how long."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count `times` that took so long; a clock that was set back counts as no time."""
        if seconds < 0:
            seconds = 0.0
        self._counts[bisect_left(self._bounds, seconds)] += times
        self.sum += seconds * times

    @property
    def count(self) -> int:
        """The number so far."""
        return sum(self._counts)

    def buckets(self) -> list[tuple[str, float]]:
        """The number up to each bound, as Prometheus has it."""
        names = [*map(str, self._bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self._counts)), strict=True))
