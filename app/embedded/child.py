"""A child process that never outlives Parley."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from app.errors import ParleyError
from app.settings import inherited

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_LOG_LIMIT = 16 * 1024 * 1024


def die_with(parent: int) -> None:
    """Make the kernel kill this child process when its parent ends in any way."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the line above
            os._exit(1)


class Child:
    """A process in a session of its own, with its output in `log`; `None`: in this process's.

    So Ctrl-C in a terminal reaches Parley alone, which stops its children in order. The kernel ties
    the child to the *thread* that starts it, so `start` has to be called on the main thread. macOS
    has no such tie: there a parent that is killed by SIGKILL leaves its children behind.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path | None,
        environ: Mapping[str, str] | None = None,
        user: str | None = None,
        folder: Path | None = None,
    ) -> None:
        """`folder` is where the process runs; by default where this one does."""
        self.command = [str(part) for part in command]
        self._log = log
        self._environ = inherited(environ or {})
        self._user = user
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its output is appended to the log."""
        log = self._log
        if log is None:
            self._start(None)
            return
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))
        with log.open("ab") as output:
            self._start(output)

    def _start(self, output: IO[bytes] | None) -> None:
        parent = os.getpid()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=self._environ,
            cwd=self._folder,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )

    @property
    def log(self) -> Path:
        """The log file; raises `ParleyError` where the output goes to this process's own."""
        if self._log is None:
            raise ParleyError(f"{self.command[0]} has no log file")
        return self._log

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._process.pid if self._process else 0

    @property
    def exit_code(self) -> int | None:
        """`None` while the process runs, else its exit code (negative: the signal)."""
        return self._process.poll() if self._process else 0

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self.exit_code is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; no effect on a process that has ended."""
        if self._process:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the process as `kill -9` does, and wait until it is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()

    async def stop(self, grace: float = 10.0, by: signal.Signals = signal.SIGTERM) -> bool:
        """Send `by`, and kill the process after `grace` seconds. True if it ended by itself."""
        self.send(by)
        if await self.ended(grace):
            return True
        self.kill()
        return False

    async def run(self, within: float) -> int:
        """Start the process and wait for its end, `within` seconds at most; its exit code."""
        self.start()
        try:
            await self.ended(within)
        finally:
            self.kill()
        return self.exit_code or 0

    async def ended(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the end of the process; whether it came."""
        deadline = asyncio.get_running_loop().time() + timeout
        while self.running:
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def up(
        self,
        name: str,
        answers: Callable[[], Awaitable[bool]],
        within: float,
        log_tail: Callable[[], str],
    ) -> None:
        """Start the process and return when `answers` is true.

        Kills it and raises `ParleyError` with the end of its log if it ends or does not answer
        `within` so many seconds.
        """
        self.start()
        deadline = asyncio.get_running_loop().time() + within
        while not await answers():
            if not self.running or asyncio.get_running_loop().time() > deadline:
                self.kill()
                raise ParleyError(f"{name} did not come up; its log says:\n{log_tail()}")
            await asyncio.sleep(0.03)

    def tail(self, lines: int = 12) -> str:
        """The last lines of the log, for an error message."""
        return "" if self._log is None else tail(self._log, lines)


def tail(log: Path, lines: int) -> str:
    """The last lines of a log; empty if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
