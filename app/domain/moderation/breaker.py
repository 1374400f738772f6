"""A circuit breaker: after repeated failures a service rests for a while, then is tried once."""

from __future__ import annotations

from msgspec import Struct

#: Failures in a row that open the circuit, and milliseconds until the next try.
FAILURES = 5
REST_MS = 10_000


class Breaker(Struct, frozen=True):
    """`failures` in a row; `again_ms` is the time of the next try, 0 for a closed circuit."""

    failures: int = 0
    again_ms: int = 0


def may_try(breaker: Breaker, at_ms: int) -> bool:
    """Whether the circuit is closed, or it is time for a try."""
    return at_ms >= breaker.again_ms


def trying(breaker: Breaker, at_ms: int) -> Breaker:
    """The breaker during a try: an open circuit allows one at a time."""
    return Breaker(breaker.failures, at_ms + REST_MS) if breaker.again_ms else breaker


def after(breaker: Breaker, at_ms: int, *, worked: bool) -> Breaker:
    """The breaker after a try."""
    if worked:
        return Breaker()
    failures = breaker.failures + 1
    return Breaker(failures, at_ms + REST_MS if failures >= FAILURES else 0)
