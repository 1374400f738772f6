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
    """Runs in the child: have the kernel kill it when its parent ends, however it ends."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)


class Child:
    """A process in a session of its own, with its output in `log`; `None`: in this process's.

    Ctrl-C in a terminal therefore reaches Parley alone, which ends its children in order. The
    kernel ties the child to the *thread* that starts it, so call `start` on the main thread.
    On macOS a parent killed by SIGKILL leaves its children behind: it has no such tie.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path | None,
        environ: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.command = [str(part) for part in command]
        self._log = log
        self._environ = inherited(environ or {})
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its output is added to the log."""
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
        """None while it runs, else what it ended with (negative: the signal)."""
        return self._process.poll() if self._process else 0

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self.exit_code is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, to nobody where it has ended."""
        if self._process:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as `kill -9` does, and wait until it is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()

    async def stop(self, grace: float = 10.0, by: signal.Signals = signal.SIGTERM) -> bool:
        """Ask it to end; kill it after `grace` seconds. True where it ended by itself."""
        self.send(by)
        if await self.ended(grace):
            return True
        self.kill()
        return False

    async def run(self, within: float) -> int:
        """Start it and wait for its end: its exit code; killed where that takes too long."""
        self.start()
        try:
            await self.ended(within)
        finally:
            self.kill()
        return self.exit_code or 0

    async def ended(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for its end; True where it came."""
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
        last_words: Callable[[], str],
    ) -> None:
        """Start it and return when it answers.

        Raises `ParleyError` with its last words, and kills it, where it ends or does not answer
        within so many seconds.
        """
        self.start()
        deadline = asyncio.get_running_loop().time() + within
        while not await answers():
            if not self.running or asyncio.get_running_loop().time() > deadline:
                self.kill()
                raise ParleyError(f"{name} did not come up; its log says:\n{last_words()}")
            await asyncio.sleep(0.03)

    def tail(self, lines: int = 12) -> str:
        """The last lines of its log, for an error message."""
        return "" if self._log is None else tail(self._log, lines)


def tail(log: Path, lines: int) -> str:
    """The last lines of a log; nothing where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        said = file.read().decode(errors="replace")
    return "\n".join(said.splitlines()[-lines:])
