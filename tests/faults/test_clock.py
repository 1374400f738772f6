"""A worker whose clock is wrong gives messages a wrong time, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.frail import Frail, at_work
from tests.faults.load import FULL, Load

pytestmark = [pytest.mark.faults, pytest.mark.long]

#: An agent's file, which a worker loads before its agents run.
OFF = """
import time

right, right_ns = time.time, time.time_ns
time.time = lambda: right() {off:+d}
time.time_ns = lambda: right_ns() {off:+d} * 1_000_000_000
"""


@pytest.mark.timeout(600)
async def test_workers_five_minutes_off_disorder_nothing(frail: Frail, tmp_path: Path) -> None:
    async with Load(frail.chat, FULL) as load:
        for lives, off in enumerate((-300, 300), start=1):
            folder = tmp_path / f"{off}"
            folder.mkdir()
            (folder / "clock.py").write_text(OFF.format(off=off))
            await load.moment()
            wrong = frail.chat.start_worker("w2", agents=str(folder))
            await at_work(wrong, times=lives)
            await load.moment()
            wrong.kill()
            await frail.back(load, f"kill -9 of a worker whose clock was {off} s off")
    await frail.unharmed(load)
