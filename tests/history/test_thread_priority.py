"""A store's low-priority threads leave the processor to the rest of the process."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from app.history.store import History

LOWEST = 19


def priorities() -> list[int]:
    """Those of the threads of this process."""
    return [
        os.getpriority(os.PRIO_PROCESS, thread.native_id)
        for thread in threading.enumerate()
        if thread.native_id is not None
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
@pytest.mark.parametrize("aside", [True, False])
async def test_only_a_store_that_steps_aside_runs_at_the_lowest_priority(
    tmp_path: Path, aside: bool
) -> None:
    before = priorities().count(LOWEST)
    history = History(f"sqlite+aiosqlite:///{tmp_path}/history.db")
    if aside:
        history.lower_thread_priority()
    await history.open()
    try:
        assert (priorities().count(LOWEST) > before) is aside
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < LOWEST
    finally:
        await history.close()
