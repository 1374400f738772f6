from __future__ import annotations

import math
import re
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rate_limit import Left, Rate, late, left, moved, parse, rate, settled

rates = st.builds(rate, st.integers(1, 1000).map(float), st.integers(1, 100_000).map(float))
#: Seconds between two requests, and what each costs.
requests = st.lists(st.tuples(st.floats(0, 500, allow_nan=False), st.integers(1, 5)), max_size=200)


class Decision(NamedTuple):
    """The outcome for a request, and the bucket behind it."""

    allowed: bool
    tat: float
    retry_after: float
    left: Left


def decide(tat: float, now: float, rate: Rate, cost: float = 1) -> Decision:
    """A request at that moment."""
    after = moved(tat, now, rate, cost)
    wait = late(after, now, rate)
    after = tat if wait else after
    return Decision(not wait, after, wait, left(after, now, rate))


@given(rates, requests)
def test_no_span_of_time_has_more_than_the_burst_and_what_came_back_in_it(
    rate: Rate, requests: list[tuple[float, int]]
) -> None:
    now, tat, allowed = 0.0, 0.0, []
    for pause, cost in requests:
        now += pause
        decision = decide(tat, now, rate, cost)
        tat = decision.tat
        if decision.allowed:
            allowed.append((now, min(cost, rate.burst)))
    for first in range(len(allowed)):
        spent = 0.0
        for at, cost in allowed[first:]:
            spent += cost
            most = rate.burst + (at - allowed[first][0]) / rate.interval
            assert spent <= most * (1 + 1e-9) + 1e-4


@given(rates, st.integers(1, 300))
def test_a_client_that_keeps_the_pace_is_never_refused(rate: Rate, count: int) -> None:
    tat = 0.0
    for number in range(count):
        decision = decide(tat, number * rate.interval, rate)
        assert decision.allowed
        tat = decision.tat


@given(rates)
def test_a_whole_bucket_allows_exactly_its_burst_at_once(rate: Rate) -> None:
    tat, now = 0.0, 1_000_000.0
    for more in reversed(range(int(rate.burst))):
        decision = decide(tat, now, rate)
        assert decision.allowed
        assert decision.left.remaining == more
        tat = decision.tat
    assert not decide(tat, now, rate).allowed
    assert decide(tat, now, rate).left.reset == pytest.approx(rate.seconds)


@given(rates, st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 5))
def test_a_refused_request_changes_nothing_and_is_allowed_when_it_was_told(
    rate: Rate, ahead: float, now: float, cost: int
) -> None:
    tat = now + ahead
    decision = decide(tat, now, rate, cost)
    if decision.allowed:
        assert decision.retry_after == 0
        return
    assert decision.tat == tat
    later = now + decision.retry_after
    assert decide(tat, later + 1e-3, rate, cost).allowed
    if decision.retry_after > 1e-2:
        assert not decide(tat, later - 1e-2, rate, cost).allowed


@given(rates, st.integers(1, 10_000))
def test_a_request_that_costs_more_than_the_burst_empties_a_whole_bucket(
    rate: Rate, cost: int
) -> None:
    decision = decide(0.0, 5.0, rate, rate.burst + cost)
    assert decision.allowed
    assert decision.left.remaining == 0


@given(rates, st.integers(1, 50))
def test_the_shares_of_all_edges_are_the_rate(rate: Rate, edges: int) -> None:
    share = rate.share(edges)
    assert edges / share.interval == pytest.approx(1 / rate.interval)
    assert share.burst * edges <= max(rate.burst, edges) * (1 + 1e-9)
    assert share.burst >= 1


@given(rates, st.integers(1, 6), st.lists(st.integers(0, 5), max_size=150), st.data())
def test_edges_that_settle_with_each_other_pay_back_what_they_allowed_too_much(
    rate: Rate, edges: int, order: list[int], data: st.DataObject
) -> None:
    """However late each settles: what all have allowed is at most a burst for each in advance."""
    shared, now = 0.0, 0.0
    local, unsettled, spent = [0.0] * edges, [0] * edges, 0
    for turn in order:
        edge = turn % edges
        now += rate.interval * data.draw(st.floats(0, 2))
        decision = decide(local[edge], now, rate)
        local[edge] = decision.tat
        unsettled[edge] += decision.allowed
        spent += decision.allowed
        if data.draw(st.booleans()):
            shared = max(shared, now) + unsettled[edge] * rate.interval
            unsettled[edge] = 0
            local[edge] = settled(shared - now, now, 0, rate)
        assert spent <= edges * (rate.burst + 1) + now / rate.interval + 1e-3


def test_with_every_request_settled_many_edges_allow_what_one_does() -> None:
    five, shared, now, allowed = rate(5, 10), 0.0, 0.0, 0
    for _ in range(1000):
        now += 0.01
        decision = decide(settled(max(0.0, shared - now), now, 0, five), now, five)
        allowed += decision.allowed
        shared = decision.tat if decision.allowed else shared
    assert allowed == 5 + math.floor(now / 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("60/30", rate(60, 30)),
        (" 1 / 86400 ", rate(1, 86400)),
        ("off", None),
        (" OFF ", None),
    ],
)
def test_a_rate_is_a_burst_and_the_seconds_for_it(text: str, said: Rate | None) -> None:
    assert parse(text) == said


@pytest.mark.parametrize(
    "text",
    ["", "60", "0/1", "1/0", "-1/1", "1/-1", "1.5/1", "1/1/1", "60/m", "none", "٣/٣", "9" * 40],
)
def test_any_other_text_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        parse(text)


@given(rates, st.floats(1, 1000))
def test_a_factor_allows_so_many_times_as_much_in_the_same_time(rate: Rate, factor: float) -> None:
    more = rate.times(factor)
    assert more.seconds == rate.seconds
    assert more.burst == pytest.approx(rate.burst * factor)
