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

ROOT = Path(__file__).parents[2]
_LONGEST_PAUSE = 15.0
_STEADY_SECONDS = 60.0


class Part(Protocol):
    """Something that runs as one child process."""

    @property
    def child(self) -> Child:
        """Its process."""
        ...

    @property
    def log(self) -> Path | None:
        """Its log file; `None` where it logs to the terminal of this process."""
        ...

    async def start(self) -> None:
        """Start it, again too."""
        ...

    async def stop(self) -> None:
        """Stop it in order."""
        ...


class Command:
    """A `parley` command, such as the worker, as a part."""

    def __init__(self, arguments: list[str], log: Path | None, environ: Mapping[str, str]) -> None:
        # -P and PYTHONPATH: this very code, not a folder `app` where the person happens to be.
        path = ":".join(filter(None, [str(ROOT), inherited({}).get("PYTHONPATH", "")]))
        command = [sys.executable, "-P", "-m", "app.cli", *arguments]
        self._child = Child(command, log, {**environ, "PYTHONPATH": path})
        self._log = log

    @property
    def child(self) -> Child:
        """Its process."""
        return self._child

    @property
    def log(self) -> Path | None:
        """The file with its output; `None`: the terminal of this process."""
        return self._log

    async def start(self) -> None:
        """Start it; it says itself, elsewhere, when it is ready."""
        self._child.start()

    async def stop(self) -> None:
        """Stop it; kill it where that takes 25 s, which is longer than a worker gives itself."""
        await self._child.stop(grace=25)


@dataclass
class _Kept:
    name: str
    part: Part
    started: float
    ends: int = 0
    due: float | None = None
    pause: float = 0.5


class Supervisor:
    """Parts in the order of their start; `say` gets a line for people when something ends."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._kept: list[_Kept] = []

    async def start(self, name: str, part: Part) -> None:
        """Start a part and keep it running from now on."""
        kept = _Kept(name, part, time.monotonic())
        self._kept.append(kept)  # before its start, which may be cancelled half way
        await part.start()

    async def tick(self) -> None:
        """Look after every part once; call it a few times a second."""
        for kept in self._kept:
            if kept.part.child.running:
                if time.monotonic() - kept.started > _STEADY_SECONDS:
                    kept.pause = 0.5
            elif kept.due is None:
                self._note_end(kept)
            elif time.monotonic() >= kept.due:
                await self._start_again(kept)

    @property
    def empty(self) -> bool:
        """Whether nothing was started."""
        return not self._kept

    def ends(self, name: str) -> int:
        """How often the part ended by itself."""
        return sum(kept.ends for kept in self._kept if kept.name == name)

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop every part, the last started first, one by one or all `at_once`."""
        parts = [kept.part for kept in reversed(self._kept)]
        if at_once:
            await asyncio.gather(*(part.stop() for part in parts))
        else:
            for part in parts:
                await part.stop()
        self._kept.clear()

    def kill(self) -> None:
        """End every part at once."""
        for kept in self._kept:
            kept.part.child.kill()

    def _note_end(self, kept: _Kept) -> None:
        child = kept.part.child
        kept.ends += 1
        kept.due = time.monotonic() + kept.pause
        code = child.exit_code or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        where = "" if kept.part.log is None else f" Its log: {kept.part.log}"
        if kept.part.log is not None and code > 0:
            where += f", which ends with: {tail(kept.part.log, 1)}"
        self._say(
            f"{_begin(kept.name)} ended ({how}) and is started again in {kept.pause:g} s.{where}"
        )
        kept.pause = min(kept.pause * 2, _LONGEST_PAUSE)

    async def _start_again(self, kept: _Kept) -> None:
        kept.due = None
        kept.started = time.monotonic()
        try:
            await kept.part.start()
        except ParleyError as error:
            self._say(f"{_begin(kept.name)} did not start: {error}")
        else:
            self._say(f"{_begin(kept.name)} is started again.")


def _begin(name: str) -> str:
    return name[0].upper() + name[1:]
