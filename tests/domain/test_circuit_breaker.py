"""The circuit breaker of calls outside."""

from app.domain import circuit_breaker as breaker


def test_the_fifth_failure_in_a_row_opens_it_and_a_success_closes_it() -> None:
    known = breaker.Breaker()
    for _ in range(breaker.FAILURES - 1):
        known = breaker.after_failure(known, now=100.0)
        assert breaker.wait_seconds(known, now=100.0) == 0
    known = breaker.after_failure(known, now=100.0)
    assert breaker.wait_seconds(known, now=101.0) == breaker.OPEN_SECONDS - 1
    assert breaker.wait_seconds(known, now=200.0) == 0
    assert breaker.after_success() == breaker.Breaker()


def test_pauses_double_up_to_a_minute() -> None:
    assert [breaker.pause(tries) for tries in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert breaker.pause(10**6) == breaker.LONGEST_PAUSE
