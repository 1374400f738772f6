"""kill -9 of Kafka's only broker costs time and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.frail import TIMES, Frail, kept_running
from tests.faults.load import FULL, Load

pytestmark = pytest.mark.faults

#: Longer than any producer's or consumer's request waits (40 s), and than a worker's session.
AWAY = 50.0


@pytest.mark.timeout(600)
async def test_the_only_broker_is_killed_and_started_again(frail: Frail) -> None:
    async with Load(frail.chat) as load:
        await load.steady(4)
        frail.kafka.kill()
        await frail.kafka.start()
        await frail.back(load, "kill -9 of the only broker, and its start")
        await load.steady(4)
    await frail.unharmed(load)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_the_only_broker_is_killed_again_and_again(frail: Frail) -> None:
    async with Load(frail.chat, FULL) as load:
        for _ in range(TIMES):
            await load.moment()
            frail.kafka.kill()
            await frail.kafka.start()
            await frail.back(load, "kill -9 of the only broker, under full load, and its start")
        await load.steady(4)
    await frail.unharmed(load)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_the_only_broker_is_away_for_longer_than_a_request_waits(frail: Frail) -> None:
    async with kept_running(*frail.chat.workers), Load(frail.chat, FULL) as load:
        await load.steady(2)
        frail.kafka.kill()
        await asyncio.sleep(AWAY)
        await frail.kafka.start()
        await frail.back(load, f"the only broker was away for {AWAY:.0f} s")
        await load.steady(4)
    await frail.unharmed(load)
