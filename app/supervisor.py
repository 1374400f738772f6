"""Keeps processes running: starts again what ends, stops all in order."""

from __future__ import annotations

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
_LONGEST_PAUSE = 15.0
_STEADY_SECONDS = 60.0


class Part(Protocol):
    """Something that runs as one child process."""

    @property
    def child(self) -> Child:
        """Its process."""
        ...

    @property
    def log(self) -> Path:
        """Where it says what went wrong."""
        ...

    async def start(self) -> None:
        """Start it, again too."""
        ...

    async def stop(self) -> None:
        """Stop it in order."""
        ...


class Command:
    """A `parley` command, such as the worker, as a part."""

    def __init__(self, arguments: list[str], log: Path, environ: Mapping[str, str]) -> None:
        # -P and PYTHONPATH: this very code, not a folder `app` where the person happens to be.
        path = ":".join(filter(None, [str(ROOT), inherited({}).get("PYTHONPATH", "")]))
        command = [sys.executable, "-P", "-m", "app.cli", *arguments]
        self._child = Child(command, log, {**environ, "PYTHONPATH": path})

    @property
    def child(self) -> Child:
        """Its process."""
        return self._child

    @property
    def log(self) -> Path:
        """Its output."""
        return self._child.log

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

    async def stop(self) -> None:
        """Stop every part, the last started first."""
        for kept in reversed(self._kept):
            await kept.part.stop()
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
        said = f", which ends with: {tail(kept.part.log, 1)}" if code > 0 else ""
        self._say(
            f"{_begin(kept.name)} ended ({how}) and is started again in {kept.pause:g} s."
            f" Its log: {kept.part.log}{said}"
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
