"""The declaration of a metric, and its samples in the form of Prometheus' client library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family

#: The values of a metric's labels, in the order of its declaration.
Labels = tuple[str, ...]


@dataclass(frozen=True)
class Metric:
    """A metric as worker or edge expose it; a counter's name ends in `_total`.

    `labels` never take a room's, a user's or a message's name: their number must not grow with
    those. `known` are the values of the only label that are there from the start, so that
    Prometheus sees the step from 0 to 1. `buckets` are the upper bounds of a histogram.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: Labels = ()
    known: Labels = ()
    buckets: tuple[float, ...] = ()

    def family(self, samples: Mapping[Labels, float]) -> Family:
        """The samples of a counter or a gauge, by the values of their labels."""
        make = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        family = make(self.name, self.text, labels=self.labels)
        for labels, value in samples.items():
            family.add_metric(labels, value)
        return family
