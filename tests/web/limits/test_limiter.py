from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from redis import asyncio as aioredis

from app.delivery.shared_buckets import Settlement, SharedBuckets
from app.delivery.valkey import connect
from app.domain.rate_limit import rate
from app.embedded.valkey import Valkey
from tests.support.chat import until
from web.limits.kinds import Kind
from web.limits.limiter import Limiter, Use
from web.limits.refusal import RateLimited

RATES = {Kind.SEND: rate(10, 100), Kind.SEND_ROOM: rate(4, 40), Kind.ADDRESS: rate(100, 10)}


class Clock:
    """A clock by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def allowed(limiter: Limiter, kind: str, owner: str, tries: int = 1000) -> int:
    """How many of these requests are allowed at once."""
    return sum(allows(limiter, (kind, owner, 1)) for _ in range(tries))


def allows(limiter: Limiter, *uses: Use) -> bool:
    try:
        limiter.allow(*uses)
    except RateLimited:
        return False
    return True


async def test_each_owner_and_each_kind_has_a_bucket(clock: Clock) -> None:
    limiter = Limiter(RATES, None, clock)
    assert allowed(limiter, Kind.SEND, "ann") == 10
    assert allowed(limiter, Kind.SEND, "ben") == 10
    assert allowed(limiter, Kind.ADDRESS, "ann") == 100
    clock.now += 50
    assert allowed(limiter, Kind.SEND, "ann") == 5


async def test_a_kind_without_a_rate_has_no_limit(clock: Clock) -> None:
    limiter = Limiter(RATES, None, clock)
    assert limiter.allow((Kind.SEARCH, "ann", 1)) is None
    assert allowed(limiter, Kind.SEARCH, "ann") == 1000
    assert len(limiter) == 0


async def test_a_request_that_one_bucket_refuses_counts_in_none(clock: Clock) -> None:
    limiter = Limiter(RATES, None, clock)
    uses = (Kind.SEND, "ann", 1), (Kind.SEND_ROOM, "ann/tea", 1)
    assert sum(allows(limiter, *uses) for _ in range(100)) == 4
    assert allowed(limiter, Kind.SEND, "ann") == 6


async def test_the_answer_tells_of_the_bucket_that_has_the_least(clock: Clock) -> None:
    limiter = Limiter(RATES, None, clock)
    uses = (Kind.SEND, "ann", 1), (Kind.SEND_ROOM, "ann/tea", 1)
    assert limiter.allow(*uses) is None, "a client far from the limit need not know"
    limiter.allow(*uses)
    little = limiter.allow(*uses)
    assert little is not None
    assert (little.kind, little.left.remaining) == (Kind.SEND_ROOM, 1)
    assert little.left.reset == pytest.approx(30)


async def test_a_refusal_says_when_to_come_back(clock: Clock) -> None:
    limiter = Limiter(RATES, None, clock)
    assert allowed(limiter, Kind.SEND, "ann") == 10
    clock.now += 0.5
    with pytest.raises(RateLimited) as raised:
        limiter.allow((Kind.SEND, "ann", 1))
    assert raised.value.headers == {
        "Retry-After": "10",
        "RateLimit-Policy": '"send";q=10;w=100',
        "RateLimit": '"send";r=0;t=100',
    }
    assert raised.value.status == 429
    clock.now += 10
    assert allows(limiter, (Kind.SEND, "ann", 1))


async def test_buckets_that_are_whole_again_are_forgotten(clock: Clock, apart: Valkey) -> None:
    async with sharing(apart, "one") as (shared, _):
        limiter = Limiter(RATES, shared, clock)
        for number in range(300):
            limiter.allow((Kind.SEND, f"user-{number}", 1))
        for _ in range(3):
            await limiter.settle()
        assert len(limiter) == 300
        clock.now += 1000
        for _ in range(3):
            await limiter.settle()
        assert len(limiter) == 0


async def test_an_edge_never_keeps_more_buckets_than_it_may(clock: Clock) -> None:
    limiter = Limiter(RATES, None, clock)
    for number in range(30_000):
        limiter.allow((Kind.ADDRESS, str(number), 1))
    assert len(limiter) == 20_000


async def test_several_edges_allow_together_what_the_rate_allows(
    clock: Clock, apart: Valkey
) -> None:
    async with sharing(apart, "one", "two", "three") as (_, buckets):
        edges = [Limiter(RATES, each, clock) for each in buckets]
        total = 0
        for _ in range(40):
            for edge in edges:
                total += allows(edge, (Kind.SEND, "ann", 1))
                await edge.settle()
        # Each settles behind an eighth of the burst, and does not know of the others before.
        assert 10 <= total <= 10 + 3 * 2
        assert [allows(edge, (Kind.SEND, "ann", 1)) for edge in edges] == [False] * 3


async def test_a_person_far_from_the_limits_costs_valkey_a_settlement_for_an_eighth(
    clock: Clock,
) -> None:
    calls: list[Mapping[str, float]] = []

    class Counted:
        async def settle(self, debits: Mapping[str, float]) -> Settlement:
            calls.append(dict(debits))
            return Settlement(dict(debits), 1)

    limiter = Limiter({Kind.SEND: rate(80, 80)}, Counted(), clock)
    for _ in range(100):
        clock.now += 5
        limiter.allow((Kind.SEND, "ann", 1))
        await limiter.settle()
    assert [call for call in calls if call] == [{"send:ann": 10.0}] * 10


async def test_a_person_who_spreads_over_edges_gets_no_more_for_long(
    clock: Clock, apart: Valkey
) -> None:
    """Each edge sees a tenth of the rate more than it gives back, and all together ten times it."""
    async with sharing(apart, *"abcd") as (_, buckets):
        fast = {Kind.SEND: rate(16, 0.32)}  # Valkey's clock runs by itself: 50 a second
        edges = [Limiter(fast, each, asyncio.get_running_loop().time) for each in buckets]
        began, total = asyncio.get_running_loop().time(), 0
        while (passed := asyncio.get_running_loop().time() - began) < 1.5:
            for edge in edges:
                total += allows(edge, (Kind.SEND, "ann", 1))
                await edge.settle()
        assert total <= 16 + 50 * passed + 4 * 4


async def test_what_edges_allowed_too_much_is_paid_back(clock: Clock, apart: Valkey) -> None:
    """Before they settle, each allows a burst; behind it, none before all of that has come back."""
    async with sharing(apart, "one", "two") as (_, buckets):
        one, two = (Limiter(RATES, each, clock) for each in buckets)
        assert allowed(one, Kind.SEND, "ann") == allowed(two, Kind.SEND, "ann") == 10
        await one.settle()
        await two.settle()
        clock.now += 95  # a burst has come back but for a part, and another one is owed
        assert not allows(two, (Kind.SEND, "ann", 1))


async def test_an_edge_goes_on_with_its_share_while_valkey_is_away(
    clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with (
        Valkey(tmp_path_factory.mktemp("own")) as server,
        sharing(server, "one", "two") as (_, buckets),
    ):
        one, two = (Limiter(RATES, each, clock) for each in buckets)
        await one.settle()
        await two.settle()
        await one.settle()
        await server.stop()
        await one.settle()
        assert one.away
        assert allowed(one, Kind.SEND, "ann") == 5, "half of the burst, for there are two"
        clock.now += 100
        assert allowed(one, Kind.SEND, "ann") == 5, "and half of the rate"
        await server.start()

        async def shared_again() -> bool:
            await one.settle()
            return not one.away

        await until(shared_again, within=30)
        await two.settle()
        # What the one has allowed meanwhile counts for the other as well.
        assert allowed(two, Kind.SEND, "ann", 2) == 2
        await two.settle()
        assert allowed(two, Kind.SEND, "ann") == 0


async def test_a_request_never_waits_for_valkey(clock: Clock) -> None:
    asked = asyncio.Event()

    class Silent:
        async def settle(self, debits: Mapping[str, float]) -> Settlement:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    limiter = Limiter(RATES, Silent(), clock)
    running = asyncio.create_task(limiter.run())
    assert allows(limiter, (Kind.SEND, "ann", 1))
    await asked.wait()
    assert allowed(limiter, Kind.SEND, "ann") == 9
    running.cancel()


class sharing:  # noqa: N801 - a context manager
    """The buckets of these edges, in an emptied Valkey."""

    def __init__(self, server: Valkey, *edges: str) -> None:
        self._url, self._edges = server.url, edges

    async def __aenter__(self) -> tuple[SharedBuckets, list[SharedBuckets]]:
        self._redis: aioredis.Redis = connect(self._url)
        await self._redis.flushdb()
        buckets = [SharedBuckets(self._redis, edge) for edge in self._edges]
        return buckets[0], buckets

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()
