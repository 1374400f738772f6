from __future__ import annotations

import pytest

from app.metrics.counts import Counts, Timings
from app.metrics.metric import Metric
from app.metrics.text_format import text_of

ANSWERS = Metric("answers_total", "counter", "Answers.", ("code",), known=("ok",))
SECONDS = Metric("answer_seconds", "histogram", "Time.", ("code",), buckets=(0.1, 1.0))


def exposed(collector: Counts | Timings) -> list[str]:
    lines = text_of(collector.collect()).splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_a_known_label_is_there_before_anything_is_counted() -> None:
    assert exposed(Counts(ANSWERS)) == ['answers_total{code="ok"} 0.0']


def test_a_counter_adds_up_by_its_labels() -> None:
    counts = Counts(ANSWERS)
    counts.add("ok")
    counts.add("ok", times=4)
    counts.add("late")
    assert exposed(counts) == ['answers_total{code="ok"} 5.0', 'answers_total{code="late"} 1.0']
    assert counts.value("ok") == 5


def test_a_histogram_counts_whole_batches_up_to_each_bound() -> None:
    timings = Timings(SECONDS)
    timings.of("ok").add(0.1, times=3)
    timings.of("ok").add(0.5)
    timings.of("ok").add(7.0, times=2)
    assert exposed(timings) == [
        'answer_seconds_bucket{code="ok",le="0.1"} 3.0',
        'answer_seconds_bucket{code="ok",le="1.0"} 4.0',
        'answer_seconds_bucket{code="ok",le="+Inf"} 6.0',
        'answer_seconds_count{code="ok"} 6.0',
        'answer_seconds_sum{code="ok"} 14.8',
    ]


@pytest.mark.parametrize("seconds", [-5.0, 0.0])
def test_a_clock_that_was_set_back_counts_as_no_time(seconds: float) -> None:
    timings = Timings(SECONDS)
    timings.of("ok").add(seconds)
    assert timings.of("ok").sum == 0.0
    assert timings.of("ok").buckets()[0] == ("0.1", 1.0)
