"""The supervisor of `parley up` and `parley edge --edges N`: restarts processes that end."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.embedded.child import Child, tail
from app.errors import ParleyError
from app.settings import inherited

#: The folder of the outermost package: of `app` in the tree, of `parley` in a wheel.
ROOT = Path(__file__).parents[__name__.count(".")]
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
_STEADY_SECONDS = 60.0


class Part(Protocol):
    """A part that runs as one child process."""

    @property
    def child(self) -> Child:
        """The process."""
        ...

    @property
    def log(self) -> Path | None:
        """Its log file; `None` where it logs to the terminal of this process."""
        ...

    async def start(self) -> None:
        """Start the part, for the first time or again."""
        ...

    async def stop(self) -> None:
        """Stop the part in order."""
        ...


class Command:
    """A `parley` command, such as the worker, as a part. It logs to `log`, or to the terminal."""

    def __init__(self, arguments: list[str], log: Path | None, environ: Mapping[str, str]) -> None:
        # -P and PYTHONPATH: import this very code, not a folder `app` in the working directory.
        path = ":".join(filter(None, [str(ROOT), inherited({}).get("PYTHONPATH", "")]))
        command = [sys.executable, "-P", "-m", "app.cli", *arguments]
        self._child = Child(command, log, {**environ, "PYTHONPATH": path})
        self._log = log

    @property
    def child(self) -> Child:
        """The process."""
        return self._child

    @property
    def log(self) -> Path | None:
        """The file with its output; `None`: the terminal of this process."""
        return self._log

    async def start(self) -> None:
        """Start it. Its readiness is to be checked elsewhere."""
        self._child.start()

    async def stop(self) -> None:
        """Stop it, and kill it after 25 s, which is longer than a worker takes at most."""
        await self._child.stop(grace=25)


@dataclass
class _Supervised:
    name: str
    part: Part
    started: float
    ends: int = 0
    #: When it is to be started again; `None` while it runs.
    due: float | None = None
    pause: float = _FIRST_PAUSE


class Supervisor:
    """Restarts parts that end; `say` prints a line about each end and restart."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._parts: list[_Supervised] = []

    async def start(self, name: str, part: Part) -> None:
        """Start a part, and restart it from now on when it ends."""
        self._parts.append(_Supervised(name, part, time.monotonic()))
        await part.start()

    async def tick(self) -> None:
        """Check every part once; to be called a few times a second."""
        for one in self._parts:
            if one.part.child.running:
                if time.monotonic() - one.started > _STEADY_SECONDS:
                    one.pause = _FIRST_PAUSE
            elif one.due is None:
                self._note_end(one)
            elif time.monotonic() >= one.due:
                await self._restart(one)

    @property
    def empty(self) -> bool:
        """Whether no part was started."""
        return not self._parts

    def ends(self, name: str) -> int:
        """How many times the part has ended by itself."""
        return sum(one.ends for one in self._parts if one.name == name)

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop every part, the last started first, one by one or all `at_once`."""
        parts = [one.part for one in reversed(self._parts)]
        if at_once:
            await asyncio.gather(*(part.stop() for part in parts))
        else:
            for part in parts:
                await part.stop()
        self._parts.clear()

    def kill(self) -> None:
        """Kill every part."""
        for one in self._parts:
            one.part.child.kill()

    def _note_end(self, one: _Supervised) -> None:
        one.ends += 1
        one.due = time.monotonic() + one.pause
        code, log = one.part.child.exit_code or 0, one.part.log
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        where = "" if log is None else f" Its log: {log}"
        if log is not None and code > 0:
            where += f", which ends with: {tail(log, 1)}"
        name = _capitalized(one.name)
        self._say(f"{name} ended ({how}) and is started again in {one.pause:g} s.{where}")
        one.pause = min(one.pause * 2, _LONGEST_PAUSE)

    async def _restart(self, one: _Supervised) -> None:
        one.due = None
        one.started = time.monotonic()
        try:
            await one.part.start()
        except ParleyError as error:
            self._say(f"{_capitalized(one.name)} did not start: {error}")
        else:
            self._say(f"{_capitalized(one.name)} is started again.")


def _capitalized(name: str) -> str:
    return name[0].upper() + name[1:]
