"""kill -9 of Kafka's only broker costs time and nothing else."""

from __future__ import annotations

import pytest

from tests.faults.frail import Frail
from tests.faults.load import Load

pytestmark = pytest.mark.faults


@pytest.mark.timeout(240)
async def test_the_only_broker_is_killed_and_started_again(frail: Frail) -> None:
    async with Load(frail.chat) as load:
        await load.steady(4)
        frail.kafka.kill()
        await frail.kafka.start()
        await frail.back(load, "kill -9 of the only broker, and its start")
        await load.steady(4)
    await frail.unharmed(load)
