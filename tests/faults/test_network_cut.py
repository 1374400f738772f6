"""A worker without a connection to Kafka is replaced, and does no harm when it returns."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.faults.frail import Resumed, at_work, frail_chat, kept_running
from tests.faults.load import FULL, Load
from tests.faults.passage import FarKafka, Passage

pytestmark = [pytest.mark.faults, pytest.mark.long]

#: Longer than a worker's session (15 s) and than what a send waits for its answer (30 s).
CUT = 40.0


@pytest.mark.timeout(600)
async def test_a_worker_is_cut_off_from_kafka_and_comes_back(
    tmp_path: Path, resumed: Resumed
) -> None:
    async with Passage() as passage:
        kafka = FarKafka(tmp_path / "kafka", passage)
        async with frail_chat(tmp_path, resumed, kafka=kafka) as frail:
            chat = frail.chat
            second = chat.start_worker("w2", broker=kafka.far)
            await at_work(second)
            async with kept_running(second), Load(chat, FULL) as load:
                await load.steady(2)
                passage.cut()
                ends = time.monotonic() + CUT
                await frail.back(load, "a worker's network is cut: the other has its partitions")
                await asyncio.sleep(ends - time.monotonic())
                passage.mend()
                await frail.back(load, f"the network is back after {CUT:.0f} s")
                await load.steady(2)
                # The next owner of its partitions recovers what it may have written late.
                chat.workers[0].kill()
                await frail.back(load, "kill -9 of the other: the one that was cut off has all")
            await frail.unharmed(load)
