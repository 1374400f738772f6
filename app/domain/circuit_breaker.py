"""The circuit breaker and the pauses of calls to a service outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Failures in a row that open the breaker, and seconds for which it stays open.
FAILURES: Final = 5
OPEN_SECONDS: Final = 10.0

#: Seconds between two tries: the first pause and the longest.
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0


@dataclass(frozen=True)
class Breaker:
    """Failures in a row of one service, and the time until which nothing is sent to it."""

    failures: int = 0
    open_until: float = 0.0


def wait_seconds(breaker: Breaker, now: float) -> float:
    """Seconds to wait before the next try; 0 while the breaker is closed."""
    return max(0.0, breaker.open_until - now)


def after_success() -> Breaker:
    """The breaker after a call that succeeded."""
    return Breaker()


def after_failure(breaker: Breaker, now: float) -> Breaker:
    """The breaker after a call that failed: open from the fifth failure in a row on."""
    failures = breaker.failures + 1
    return Breaker(failures, now + OPEN_SECONDS if failures >= FAILURES else 0.0)


def pause(tries: int) -> float:
    """Seconds before the next try, without jitter, after so many tries: doubled each time."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries - 1, 30))
