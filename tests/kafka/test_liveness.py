"""Whether Kafka answers, found out in a bounded time."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import Unreachable
from app.kafka.admin import connected
from app.kafka.liveness import BrokerProbe
from app.settings import Settings
from tests.runtime.test_starting import silent


async def test_a_broker_that_is_silent_does_not_answer_and_holds_up_nobody() -> None:
    async with silent() as port, asyncio.timeout(10):
        settings = Settings(broker=f"kafka://127.0.0.1:{port}")
        assert not await BrokerProbe(settings).answers()
        with pytest.raises(Unreachable, match="no Kafka broker answers"):
            async with connected(settings, 1):
                pass
