"""A worker whose clock is wrong gives messages a wrong time, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.frail import TIMES, Frail, at_work
from tests.faults.load import FULL, Load

pytestmark = [pytest.mark.faults, pytest.mark.long]

#: An agent's file, which a worker loads before its agents run.
OFF = """
import time

right, right_ns = time.time, time.time_ns
time.time = lambda: right() {off:+d}
time.time_ns = lambda: right_ns() {off:+d} * 1_000_000_000
"""


@pytest.mark.parametrize("off", [-300, 300])
@pytest.mark.timeout(600)
async def test_a_worker_five_minutes_off_disorders_nothing(
    frail: Frail, tmp_path: Path, off: int
) -> None:
    folder = tmp_path / "agents"
    folder.mkdir()
    (folder / "clock.py").write_text(OFF.format(off=off))
    async with Load(frail.chat, FULL) as load:
        for turn in range(TIMES):
            await load.moment()
            wrong = frail.chat.start_worker("w2", agents=str(folder))
            await at_work(wrong, times=turn + 1)
            await load.moment()
            wrong.kill()
            await frail.back(load, f"kill -9 of a worker whose clock was {off} s off")
    await frail.unharmed(load)
