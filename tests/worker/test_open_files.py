"""A worker may have all partitions of all tables, under the limit that shells set by default."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.local.supervisor import ROOT
from app.settings import Settings
from tests.support.chat import data_folder, until

#: The most that the settings take.
PARTITIONS = 24
TABLES = 12


def limited(settings: Settings, limit: str) -> Child:
    """A worker under a limit of open files, as `ulimit` takes it."""
    command = [sys.executable, "-P", "-m", "app.cli", "worker"]
    environ = {**settings.environ(), "PYTHONPATH": str(ROOT)}
    shell = ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh"]
    return Child([*shell, *command], settings.data / "worker.log", environ)


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_a_worker_that_may_not_open_enough_files_says_how_many_it_needs(
    settings: Settings,
) -> None:
    worker = limited(replace(settings, partitions=PARTITIONS), "-n 1024")
    worker.start()
    assert await worker.ended(60)
    assert worker.exit_code == 1
    assert "may open 1024 files, and a worker with 13 tables in 24 partitions" in worker.tail()
    assert "LimitNOFILE=" in worker.tail()


@pytest.mark.timeout(240)
async def test_a_worker_with_all_partitions_starts_under_a_soft_limit_of_1024(
    valkey: Valkey, tmp_path: Path
) -> None:
    async with Kafka(tmp_path / "kafka") as kafka:
        own = Settings(broker=kafka.url, redis=valkey.url, data=data_folder(tmp_path))
        worker = limited(replace(own, partitions=PARTITIONS), "-Sn 1024")
        worker.start()
        try:

            async def all_are_open() -> bool:
                assert worker.running, worker.tail(40)
                return open_files(worker.pid) > TABLES * PARTITIONS * 6

            await until(all_are_open, worker.tail)
        finally:
            await worker.stop(30)
