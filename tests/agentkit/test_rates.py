"""How often an agent may act in each room."""

from hypothesis import given
from hypothesis import strategies as st

from app.agentkit.rates import RoomRates
from app.domain.agents.rate import Rate

_NOW = 1_760_000_000_123
_SECONDS = st.sampled_from([1, 60, 3600, 86400])


@given(st.integers(1, 2000), _SECONDS)
def test_a_burst_of_the_whole_count_is_allowed_and_no_more(count: int, seconds: int) -> None:
    rates = RoomRates(Rate(count, seconds))
    assert [rates.take("r", _NOW) for _ in range(count + 1)] == [True] * count + [False]
    assert rates.take("another", _NOW)


@given(st.integers(1, 50), _SECONDS)
def test_an_act_is_allowed_again_when_its_part_of_the_time_is_over(
    count: int, seconds: int
) -> None:
    rates = RoomRates(Rate(count, seconds))
    for _ in range(count):
        rates.take("r", _NOW)
    part = seconds * 1000 / count
    assert not rates.take("r", _NOW + int(part) - 1)
    assert rates.take("r", _NOW + int(part) + 1)


@given(st.integers(1, 50), _SECONDS, st.data())
def test_no_window_has_more_than_a_burst_and_what_the_rate_adds(
    count: int, seconds: int, data: st.DataObject
) -> None:
    rates, now = RoomRates(Rate(count, seconds)), _NOW
    done: list[int] = []
    for pause in data.draw(st.lists(st.integers(0, seconds * 200), min_size=1, max_size=150)):
        now += pause
        if rates.take("r", now):
            done.append(now)
    window = seconds * 1000
    for begin in done:
        assert sum(begin <= at < begin + window for at in done) <= 2 * count
