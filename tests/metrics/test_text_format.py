from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from app.metrics.counts import Counts, Timings
from app.metrics.metric import Metric
from app.metrics.text_format import text_of

TOLD = Metric("told_total", "counter", "Told, \\ and\nmore.", ("by", "code"))
TIMES = Metric("times_seconds", "histogram", "Times.", ("by",), buckets=(0.25, 5.0))
NUMBER = Metric("number", "gauge", "A number.")


class Gauge(Counts):
    """A gauge of one value."""

    def __init__(self, number: float) -> None:
        self._metric = NUMBER
        self._values = {(): number}


@given(
    st.dictionaries(st.tuples(st.text(), st.text()), st.integers(0, 2**70), max_size=4),
    st.floats(),
)
def test_the_text_is_that_of_the_library(counts: dict[tuple[str, str], int], number: float) -> None:
    counter, timings = Counts(TOLD), Timings(TIMES)
    for (by, code), times in counts.items():
        counter.add(by, code, times=times)
        timings.of(by).add(times / 7)
    registry = CollectorRegistry()
    for collector in (counter, timings, Gauge(number)):
        registry.register(collector)
    assert text_of(registry.collect()) == generate_latest(registry).decode()
