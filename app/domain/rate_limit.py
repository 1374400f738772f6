"""Rate limits by GCRA, the generic cell rate algorithm (ITU-T I.371), which needs one number.

That number is the theoretical arrival time (TAT): the moment at which a bucket has its whole burst
again. A request moves it into the future, and is refused where it would be too far away. All times
are seconds on any clock that never goes back.
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(r"\s*([1-9]\d{0,8})\s*/\s*([1-9]\d{0,8})\s*", re.ASCII)

#: The setting for no limit.
OFF: Final = "off"

#: Seconds by which two sums of the same fractions may differ.
_ROUNDING: Final = 1e-6


class Rate(NamedTuple):
    """`burst` requests at once; a bucket that is spent has all of them again after `seconds`.

    `interval` is the time in seconds until one request more is allowed. `rate` makes one.
    """

    burst: float
    seconds: float
    interval: float

    def times(self, factor: float) -> Rate:
        """The rate with `factor` times the requests in the same time, one at least."""
        return rate(max(1.0, self.burst * factor), self.seconds)

    def share(self, edges: int) -> Rate:
        """The part of one of so many edges: together they allow what the rate allows.

        Only where the burst is smaller than the number of edges, each still allows one request.
        """
        burst = max(1.0, self.burst / edges)
        return rate(burst, burst * self.interval * edges)


class Left(NamedTuple):
    """What a bucket would allow next: so many requests; its whole burst after `reset` seconds."""

    remaining: int
    reset: float


def rate(burst: float, seconds: float) -> Rate:
    """The rate of so many requests in so many seconds."""
    return Rate(burst, seconds, seconds / burst)


def parse(text: str) -> Rate | None:
    """The rate that `burst/seconds` says, such as `60/30`; `None` for `off`.

    Raises `ValueError` for any other text.
    """
    if text.strip().lower() == OFF:
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return rate(float(found[1]), float(found[2]))


def moved(tat: float, now: float, rate: Rate, cost: float = 1) -> float:
    """The TAT after a request that counts as `cost` requests, as many as the burst at most."""
    return (tat if tat > now else now) + (cost if cost < rate.burst else rate.burst) * rate.interval


def late(tat: float, now: float, rate: Rate) -> float:
    """Seconds by which a request is too early that would move the TAT there; 0: it is allowed.

    A refused request leaves the TAT where it was.
    """
    early = tat - now - rate.seconds
    return early if early > _ROUNDING else 0.0


def left(tat: float, now: float, rate: Rate) -> Left:
    """What is left in a bucket with this TAT."""
    reset = max(0.0, tat - now)
    return Left(max(0, math.floor((rate.seconds - reset + _ROUNDING) / rate.interval)), reset)


def settled(ahead: float, now: float, unsettled: float, rate: Rate) -> float:
    """The TAT of an edge's bucket, where all edges together are `ahead` seconds of now.

    `unsettled` requests of this edge are not among them yet.
    """
    return now + ahead + unsettled * rate.interval
