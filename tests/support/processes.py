"""Running processes, by `ps` on Linux and macOS."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable


def children(parent: int) -> dict[int, str]:
    """The processes that a process started, by id, with their commands."""
    told = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 2) for line in told.stdout.splitlines())
    return {int(row[0]): row[2] for row in rows if int(row[1]) == parent}


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that have not ended."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True)
    rows = (line.split() for line in told.stdout.splitlines())
    return pids & {int(pid) for pid, state in rows if not state.startswith("Z")}


def wait_until(true: Callable[[], bool], within: float, what: str) -> None:
    """Wait for a condition; fail with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
