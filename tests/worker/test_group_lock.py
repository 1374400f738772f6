"""Two workers of one name: the second says so, and does not fight with the first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.errors import ParleyError
from app.worker import group_lock
from app.worker.group_lock import group_locks


def apps(folder: Path) -> dict[str, Any]:
    return {"pace": SimpleNamespace(conf=SimpleNamespace(datadir=folder / "pace"))}


async def test_the_second_worker_of_a_name_is_told_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_lock, "_SECONDS", 0.5)
    async with group_locks(apps(tmp_path), "w1"):
        with pytest.raises(ParleyError, match=r"the group pace under the name w1.*PARLEY_WORKER"):
            async with group_locks(apps(tmp_path), "w1"):
                pass
    async with group_locks(apps(tmp_path), "w1"):
        pass


async def test_a_worker_waits_for_a_predecessor_that_is_stopping(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def successor() -> None:
        begun.set()
        async with group_locks(apps(tmp_path), "w1"):
            pass

    async with group_locks(apps(tmp_path), "w1"):
        task = asyncio.create_task(successor())
        await begun.wait()
    await asyncio.wait_for(task, 20)
