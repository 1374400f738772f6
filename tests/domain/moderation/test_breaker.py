from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.moderation.breaker import FAILURES, REST_MS, Breaker, after, may_try, trying


def failed(times: int, at_ms: int = 0) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = after(breaker, at_ms, worked=False)
    return breaker


def test_it_opens_after_some_failures_in_a_row_and_rests() -> None:
    assert may_try(failed(FAILURES - 1), 0)
    broken = failed(FAILURES)
    assert not may_try(broken, REST_MS - 1)
    assert may_try(broken, REST_MS)


def test_an_open_circuit_is_tried_once_and_one_success_closes_it() -> None:
    probing = trying(failed(FAILURES), REST_MS)
    assert not may_try(probing, REST_MS)
    assert may_try(after(probing, REST_MS, worked=True), REST_MS)
    assert not may_try(after(probing, REST_MS + 5, worked=False), 2 * REST_MS)


@given(st.lists(st.booleans(), max_size=30))
def test_what_works_now_and_then_is_left_alone_only_after_failures_in_a_row(
    results: list[bool],
) -> None:
    breaker, in_a_row = Breaker(), 0
    for worked in results:
        breaker = after(breaker, 0, worked=worked)
        in_a_row = 0 if worked else in_a_row + 1
        assert may_try(breaker, 0) == (in_a_row < FAILURES)
