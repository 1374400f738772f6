"""Rate limits of an edge: decided here at once, and settled with the other edges behind it.

No request waits for Valkey: docs/decisions/limits-behind-the-request.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final, NamedTuple, Protocol

import structlog

from app.delivery.shared_buckets import Settlement
from app.domain.rate_limit import Left, Rate, late, left, moved, settled
from app.runtime.retry import AWAY
from web.limits.refusal import RateLimited

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: Seconds between two settlements while there is something to settle, and while there is nothing.
_SETTLE_SECONDS: Final = 0.1
_IDLE_SECONDS: Final = 5.0

#: The part of its burst that a bucket allows before it is settled: a person far from the limits
#: costs Valkey nothing, or an eighth.
_QUANTUM: Final = 1 / 8

#: Buckets of a kind that an edge keeps, and of how many it looks at each settlement whether they
#: are whole.
_MOST: Final = 20_000
_SWEPT: Final = 100

#: A request as a bucket counts it: the kind, whose the bucket is (an address, a person, or
#: `person/room`), and as how many requests it counts.
Use = tuple[str, str, float]


class Allowance(NamedTuple):
    """What is left of a kind, where that is little: for the `RateLimit` headers."""

    kind: str
    rate: Rate
    left: Left


class Shared(Protocol):
    """The buckets of all edges."""

    async def settle(self, debits: Mapping[str, float]) -> Settlement:
        """Move the TAT of each bucket by so many seconds."""


class Bucket:
    """A bucket as this edge knows it."""

    __slots__ = ("rate", "tat", "unsettled")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        #: On the edge's clock.
        self.tat = 0.0
        #: Requests that the other edges do not know of.
        self.unsettled = 0.0


class Limiter:
    """Allows requests, or raises `RateLimited`; `clock` never goes back.

    While Valkey is away, the edge goes on with its share of each rate. Without `shared` there is no
    other edge.
    """

    def __init__(
        self,
        rates: Mapping[str, Rate],
        shared: Shared | None,
        clock: Callable[[], float],
    ) -> None:
        self._whole_rates = dict(rates)
        #: Those that hold now: with Valkey away the edge's share.
        self._rates = self._whole_rates
        self._shared = shared
        self._clock = clock
        self._buckets: dict[str, dict[str, Bucket]] = {kind: {} for kind in rates}
        self._unsettled: dict[tuple[str, str], Bucket] = {}
        self._wake = asyncio.Event()
        self._edges = 1
        self._away = False

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    @property
    def away(self) -> bool:
        """Whether the edge is on its own."""
        return self._away

    def allow(self, *uses: Use) -> Allowance | None:
        """Count a request in all of these buckets; what is left, where that is less than half.

        Raises `RateLimited` where one of them has no room for it, and then counts it in none.
        """
        now = self._clock()
        moves = []
        little: Allowance | None = None
        for kind, owner, cost in uses:
            rate = self._rates.get(kind)
            if rate is None:
                continue
            bucket = self._buckets[kind].get(owner)
            if bucket is None:
                bucket = self._new_bucket(kind, owner)
            tat = moved(bucket.tat, now, rate, cost)
            if tat - now > rate.seconds / 2:
                little = _less(little, Allowance(kind, rate, left(tat, now, rate)))
                if retry_after := late(tat, now, rate):
                    raise RateLimited(kind, rate, left(bucket.tat, now, rate), retry_after)
            moves.append((kind, owner, cost, bucket, tat))
        for kind, owner, cost, bucket, tat in moves:
            bucket.tat = tat
            bucket.unsettled += cost
            if bucket.unsettled >= bucket.rate.burst * _QUANTUM:
                self._unsettled[kind, owner] = bucket
                self._wake.set()
        return little

    def _new_bucket(self, kind: str, owner: str) -> Bucket:
        buckets = self._buckets[kind]
        bucket = buckets[owner] = Bucket(self._whole_rates[kind])
        if len(buckets) > _MOST:
            del buckets[next(iter(buckets))]
        return bucket

    # ── the other edges ──────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Settle for ever."""
        while True:
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass  # a sign of life
            self._wake.clear()
            await self.settle()
            await asyncio.sleep(_SETTLE_SECONDS)

    async def settle(self) -> None:
        """Tell the other edges what this one has allowed, and take over what they have."""
        told, self._unsettled = self._unsettled, {}
        if self._shared is not None:
            counts = {place: bucket.unsettled for place, bucket in told.items()}
            for bucket in told.values():
                bucket.unsettled = 0.0
            debits = {
                ":".join(place): counts[place] * bucket.rate.interval
                for place, bucket in told.items()
            }
            try:
                found = await self._shared.settle(debits)
            except AWAY as error:
                self._go_on_alone(told, counts, error)
            else:
                self._take_over(told, found)
        self._sweep()

    def _take_over(self, told: Mapping[tuple[str, str], Bucket], found: Settlement) -> None:
        if self._away:
            log.info("limits are shared again", edges=found.edges)
            self._away, self._rates = False, self._whole_rates
        self._edges = max(1, found.edges)
        now = self._clock()
        for place, bucket in told.items():
            ahead = found.ahead[":".join(place)]
            bucket.tat = settled(ahead, now, bucket.unsettled, bucket.rate)

    def _go_on_alone(
        self,
        told: Mapping[tuple[str, str], Bucket],
        counts: Mapping[tuple[str, str], float],
        error: BaseException,
    ) -> None:
        if not self._away:
            log.warning("limits are not shared: Valkey is away", error=repr(error))
            self._away = True
            self._rates = {
                kind: rate.share(self._edges) for kind, rate in self._whole_rates.items()
            }
        now = self._clock()
        for place, bucket in told.items():
            if bucket.tat > now:
                # A whole bucket has nothing to tell any more.
                bucket.unsettled += min(counts[place], bucket.rate.burst)
                self._unsettled[place] = bucket

    def _sweep(self) -> None:
        """Forget some of the buckets that were whole for long: the oldest ones, in turn.

        Not at once: what they have allowed is not settled in part.
        """
        now = self._clock()
        for buckets in self._buckets.values():
            for owner in list(islice(buckets, _SWEPT)):
                bucket = buckets.pop(owner)
                if bucket.tat + bucket.rate.seconds > now:
                    buckets[owner] = bucket


def _less(one: Allowance | None, other: Allowance) -> Allowance:
    return other if one is None or other.left.remaining < one.left.remaining else one
