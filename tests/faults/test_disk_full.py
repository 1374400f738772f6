"""A full disk stops a worker until there is room again, and costs nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.faults.frail import TIMES, Frail, at_work, kept_running
from tests.faults.load import FULL, Load
from tests.support.chat import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="a small file system is made with tmpfs"),
]


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "parley", str(folder)]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        missing(f"the right to mount a file system: {made.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path) -> None:
    """Write to the file until its disk takes no more."""
    with file.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            return


@pytest.mark.timeout(600)
async def test_the_only_workers_disk_is_full_and_then_is_not(frail: Frail, tmp_path: Path) -> None:
    chat = frail.chat
    with small_disk(tmp_path / "small", 64) as disk:
        await chat.workers[0].stop(30)
        # What it says is on that disk, too.
        (chat.settings.data / "logs" / "w2.log").symlink_to(disk / "w2.log")
        worker = chat.start_worker("w2", data=disk, history=chat.settings.history_url)
        await at_work(worker)
        async with kept_running(worker) as ends, Load(chat, FULL) as load:
            for _ in range(TIMES):
                await load.moment()
                fill(disk / "ballast")
                enough = len(ends) + 2

                async def ended_twice(enough: int = enough) -> bool:
                    return len(ends) >= enough

                await until(ended_twice, worker.tail)
                (disk / "ballast").unlink()
                await frail.back(load, "a worker's disk was full")
            await load.steady(2)
        await frail.unharmed(load)
        await worker.stop(30)
