"""The load client in C (load.c): compiles it, feeds it requests, and reads its counts."""

from __future__ import annotations

import asyncio
import json
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.errors import ParleyError

_SOURCE = Path(__file__).parent / "load.c"


def compiled(folder: Path) -> Path:
    """The client's program. Raises `ParleyError` where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise ParleyError("the load client needs a C compiler (Debian: apt-get install gcc)")
    program = folder / "load"
    subprocess.run([compiler, "-O2", "-o", program, _SOURCE], check=True)
    return program


class Load:
    """Many connections to one server, in a process of its own."""

    def __init__(self, program: Path, mode: str, port: int, step: int, ahead: int = 64) -> None:
        self._command = [str(program), mode, "127.0.0.1", str(port)]
        self._file = program.with_name(f"requests-{port}-{id(self)}")
        self._step, self._ahead = step, ahead
        self._process: asyncio.subprocess.Process | None = None

    async def start(
        self, requests: Iterable[tuple[bytes, bytes]], talks_first: bool = True
    ) -> None:
        """Open the connections; returns when each has been answered, if the server does so."""
        with self._file.open("wb") as file:
            for request in requests:
                for part in request:
                    file.write(struct.pack("=I", len(part)) + part)
        # One that says nothing at first is not waited for.
        rest = str(self._step), str(self._ahead if talks_first else 1 << 30)
        self._process = await asyncio.create_subprocess_exec(
            *self._command, self._file, *rest, stdin=-1, stdout=-1
        )
        if not talks_first:
            await asyncio.sleep(2)
            self._tell(b"a")
        await self._expect(b"R")

    async def step(self) -> None:
        """Return when the next step's worth of messages has come."""
        await self._expect(b".")

    def forget(self) -> None:
        """Measure delays from here on."""
        self._tell(b"z")

    async def figures(self) -> dict[str, Any]:
        """The counts: `messages`, `open_seconds`, `p50_ms`, `p99_ms`, `max_ms`."""
        self._tell(b"p")
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        found: dict[str, Any] = json.loads(line.lstrip(b".R"))
        return found

    async def stop(self) -> None:
        """Close all connections."""
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await asyncio.wait_for(self._process.wait(), 20)
        self._file.unlink(missing_ok=True)

    def _tell(self, command: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command)

    async def _expect(self, said: bytes) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        got = await asyncio.wait_for(self._process.stdout.read(1), 60)
        if got != said:
            raise ParleyError(f"the load client said {got!r} where {said!r} was due")
