"""kill -9 of Kafka's only broker costs time and nothing else."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Frail
from tests.faults.load import Load

pytestmark = pytest.mark.faults


@pytest.mark.timeout(240)
async def test_the_only_broker_is_killed_and_started_again(frail: Frail) -> None:
    async with Load(frail.chat) as load:
        await load.acknowledged(100)
        frail.kafka.kill()
        await frail.kafka.start()
        await load.acknowledged(100, within=90)
    assert load.faults() == []
