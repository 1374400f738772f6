"""Processor time that processes have taken, as Linux tells it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

#: Linux: the clock of a process's processor time, as `clock_getcpuclockid` makes its id.
_SCHED = 2


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time of a process with all its threads; finer than /proc's 10 ms."""
    return time.clock_gettime((~pid << 3) | _SCHED)


def memory_mib(pid: int) -> float:
    """MiB of memory of a process that are resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Spent:
    """The processor time of each process from now on; empty where there is no /proc."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids if Path("/proc/self/stat").exists() else {}
        self._before = self._now()
        self._began = time.monotonic()

    def _now(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._pids.items()}

    def so_far(self) -> tuple[dict[str, float], float]:
        """Processor seconds by name, and the seconds that have passed."""
        passed = time.monotonic() - self._began
        return {name: now - self._before[name] for name, now in self._now().items()}, passed
