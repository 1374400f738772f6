from __future__ import annotations

import asyncio
import time

import pytest
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.shared_buckets import MOST, SharedBuckets


async def test_edges_add_up_what_each_has_allowed(redis: aioredis.Redis) -> None:
    one, other = SharedBuckets(redis, "one"), SharedBuckets(redis, "other")
    await one.settle({"send:ann": 20.0})
    found = await other.settle({"send:ann": 30.0, "send:ben": 5.0})
    assert found.edges == 2
    assert 49.0 < found.ahead["send:ann"] <= 50.0
    assert 4.0 < found.ahead["send:ben"] <= 5.0


async def test_a_bucket_comes_back_by_valkeys_clock_and_is_gone_when_it_is_whole(
    redis: aioredis.Redis,
) -> None:
    shared = SharedBuckets(redis, "one")
    began = time.monotonic()
    assert (await shared.settle({"send:ann": 0.4})).ahead["send:ann"] <= 0.4
    left = (await shared.settle({"send:ann": 0.0})).ahead["send:ann"]
    passed = time.monotonic() - began
    assert 0.4 - passed - 0.01 <= left <= 0.4
    await asyncio.sleep(left + 0.05)
    assert (await shared.settle({"send:ann": 0.0})).ahead["send:ann"] == 0
    assert not await redis.exists(keys.bucket("send:ann"))


async def test_a_bucket_of_a_day_is_kept_for_a_day(redis: aioredis.Redis) -> None:
    await SharedBuckets(redis, "one").settle({"direct:ann": 86_400.0})
    assert 86_390_000 < await redis.pttl(keys.bucket("direct:ann")) <= 86_400_000


async def test_thousands_of_buckets_settle_together(redis: aioredis.Redis) -> None:
    debits = {f"send:{number}": float(number + 100) for number in range(5 * MOST + 1)}
    found = await SharedBuckets(redis, "one").settle(debits)
    assert found.ahead == pytest.approx(debits, abs=0.5)


async def test_without_a_request_an_edge_still_counts_as_one(redis: aioredis.Redis) -> None:
    assert (await SharedBuckets(redis, "one").settle({})).edges == 1
    assert (await SharedBuckets(redis, "other").settle({})).edges == 2
    # An edge that is gone counts no more after a while.
    await redis.zadd(keys.limiting_edges(), {"one": 0})
    assert (await SharedBuckets(redis, "other").settle({})).edges == 1


async def test_all_keys_of_a_call_are_on_one_node_of_a_cluster(redis: aioredis.Redis) -> None:
    names = [keys.limiting_edges(), keys.bucket("send:{ann}"), keys.bucket("address:1.2.3.4")]
    assert len({await redis.execute_command("CLUSTER", "KEYSLOT", name) for name in names}) == 1
