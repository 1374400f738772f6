"""How often an agent may act."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.agents.rate import Rate, parse, taken
from app.errors import Malformed


@pytest.mark.parametrize("text", ["20/minute", "1/second", "500/hour", "3/day"])
def test_a_rate_reads_as_it_is_written(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "20", "0/minute", "20/fortnight", "-1/minute", "20 / minute"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="20/minute"):
        parse(text)


@given(st.integers(1, 50), st.sampled_from([1, 60, 3600]), st.data())
def test_no_window_has_more_than_a_burst_and_what_the_rate_adds(
    count: int, seconds: int, data: st.DataObject
) -> None:
    rate, arrival, now = Rate(count, seconds), 0, 10**12
    done: list[int] = []
    for pause in data.draw(st.lists(st.integers(0, seconds * 200), min_size=1, max_size=150)):
        now += pause
        if (next_arrival := taken(rate, arrival, now)) is not None:
            arrival = next_arrival
            done.append(now)
    window = seconds * 1000
    for begin in done:
        assert sum(begin <= at < begin + window for at in done) <= 2 * count


def test_a_burst_of_the_whole_count_is_allowed_and_no_more() -> None:
    rate, arrival = Rate(3, 60), 0
    for _ in range(3):
        found = taken(rate, arrival, 1_000_000)
        assert found is not None
        arrival = found
    assert taken(rate, arrival, 1_000_000) is None
    assert taken(rate, arrival, 1_020_000) is not None
