"""Snapshots for operators: shared by all readers, made for none, and whole without a part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from app.delivery.edge_reports import EdgeReport, EdgeReports
from app.delivery.valkey import connect
from app.domain.deployment import Deployment
from app.embedded.ports import free_port
from app.moderation.active_rules import ActiveRules
from app.runtime.clock import now_ms
from app.settings import Settings
from tests.support.chat import until
from web.operator.edge_rates import EdgeRates
from web.operator.operator_feed import OperatorFeed


def report(edge: str = "here", **changes: Any) -> EdgeReport:
    plain = {"streams": 0, "polls": 0, "sends": {"accepted": 0}, "answered": 0, "delivered": 0}
    sums = {"answered_seconds": 0.0, "broadcasts": 0, "broadcast_seconds": 0.0}
    place = {"edge": edge, "at_ms": now_ms(), "started_ms": 1, "host": "h", "pid": 1}
    return EdgeReport(**{**plain, **sums, **place, **changes})


@pytest.fixture
async def rules(settings: Settings) -> AsyncIterator[ActiveRules]:
    rules = ActiveRules(settings)
    await rules.start()
    yield rules
    await rules.stop()


@pytest.fixture
async def feed(settings: Settings, rules: ActiveRules) -> AsyncIterator[OperatorFeed]:
    redis = connect(settings.redis)
    feed = OperatorFeed(settings, EdgeReports(redis), rules, report, lambda: Deployment(id="d"))
    yield feed
    await feed.close()
    await redis.aclose()


async def test_all_readers_of_a_moment_share_a_snapshot(feed: OperatorFeed) -> None:
    async with feed.reading():
        texts = await asyncio.gather(*(feed.snapshot() for _ in range(20)))
    assert len(set(texts)) == feed.made == 1


async def test_nothing_is_made_and_nothing_is_open_without_a_reader(feed: OperatorFeed) -> None:
    async with feed.reading(), feed.reading():
        await feed.snapshot()
        assert feed.is_connected
    assert not feed.is_connected
    assert (feed.readers, feed.made) == (0, 1)


async def test_a_part_that_is_away_is_named_and_the_others_are_shown(
    settings: Settings, rules: ActiveRules
) -> None:
    nowhere = replace(settings, broker=f"kafka://127.0.0.1:{free_port()}")
    redis = connect(f"redis://127.0.0.1:{free_port()}/0")
    feed = OperatorFeed(nowhere, EdgeReports(redis), rules, report, lambda: Deployment(id="d"))
    async with feed.reading():
        shown = msgspec.json.decode(await feed.snapshot())
    await redis.aclose()
    assert shown["away"].keys() == {"Kafka", "Valkey", "dead letters"}
    assert [one["edge"] for one in shown["edges"]] == ["here"]
    assert (shown["groups"], shown["deployment"]["id"]) == ([], "d")


async def test_edges_that_are_alive_are_listed_with_their_rates(
    settings: Settings, feed: OperatorFeed
) -> None:
    redis = connect(settings.redis)
    reports = EdgeReports(redis)
    await reports.say(report("gone", at_ms=now_ms() - 60_000))
    await reports.say(report("there", streams=3))
    assert "there" in {one.edge for one in await reports.all()}
    assert "gone" not in {one.edge for one in await reports.all()}
    async with feed.reading():
        shown = msgspec.json.decode(await feed.snapshot())
    assert {"here": True, "there": False}.items() <= {
        one["edge"]: one["here"] for one in shown["edges"]
    }.items()
    await redis.aclose()


def test_rates_are_of_the_time_between_two_reports() -> None:
    rates = EdgeRates("here")
    before = report(at_ms=1000)
    assert rates.rows([before])[0].sends == {"accepted": 0.0}
    later = report(
        at_ms=3000, sends={"accepted": 10}, answered=4, answered_seconds=0.2, delivered=30
    )
    for _ in range(2):  # the same report once more says nothing new
        [row] = rates.rows([later])
        assert (row.sends, row.send_ms, row.delivered) == ({"accepted": 5.0}, 50.0, 15.0)
    assert rates.rows([]) == []


async def test_a_reader_that_goes_lets_others_go_on(feed: OperatorFeed) -> None:
    async with feed.reading():
        async with feed.reading():
            await feed.snapshot()
        assert feed.is_connected

        async def another() -> bool:
            await feed.snapshot()
            return feed.made > 1

        await until(another)
