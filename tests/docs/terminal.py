"""A terminal into which a page's commands are copied."""

from __future__ import annotations

import asyncio
import re
import sys
from itertools import permutations
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.markdown import ROOT, Step
from tests.support.running_up import RunningUp

WITHIN = 20.0
_DONE = "-- entered --"


class Terminal:
    """A shell in the checkout, in which `make run` runs as far as commands can tell.

    Two things are put in the place of what the pages say: the edge's address, because its port
    is free rather than 8080, and where the tests' own `parley` is.
    """

    def __init__(self, up: RunningUp) -> None:
        self._environ = up.environ
        self._instead = {
            "http://127.0.0.1:8080": up.url,
            ".venv/bin/": f"{Path(sys.executable).parent}/",
        }

    async def __aenter__(self) -> Self:
        self._shell = await asyncio.create_subprocess_exec(
            *("bash", "--noprofile", "--norc"),
            cwd=ROOT,
            env=self._environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._enter("kill $(jobs -p) 2>/dev/null; exit\n")
        await asyncio.wait_for(self._shell.communicate(), 10)

    async def follow(self, steps: list[Step]) -> None:
        """Enter each step's commands and see it show what the page says, and nothing else.

        `…` in the page stands for what is different each time. Lines may come in another order,
        and one be written behind another before its line break is, because a stream and an
        answer write to one terminal.
        """
        for step in steps:
            await self._enter(f"{step.commands}\necho '{_DONE}'\n")
            await self._see(step, [*step.shows, _DONE])

    async def _enter(self, commands: str) -> None:
        for there, here in self._instead.items():
            commands = commands.replace(there, here)
        assert self._shell.stdin is not None
        self._shell.stdin.write(commands.encode())
        await self._shell.stdin.drain()

    async def _see(self, step: Step, awaited: list[str]) -> None:
        assert self._shell.stdout is not None
        try:
            async with asyncio.timeout(WITHIN):
                while awaited:
                    line = (await self._shell.stdout.readline()).decode().rstrip("\r\n")
                    said = _said(line, awaited)
                    assert said or not line, f"{step.commands}\nshows\n{line}\nnot one of {awaited}"
                    for other in said:
                        awaited.remove(other)
        except TimeoutError:
            raise AssertionError(f"{step.commands}\ndoes not show {awaited}") from None


def _said(line: str, awaited: list[str]) -> list[str]:
    """What of `awaited` a line says: one of it, or two run into each other."""
    for other in awaited:
        if re.fullmatch(_pattern(other), line):
            return [other]
    for first, second in permutations(awaited, 2):
        if re.fullmatch(_pattern(first) + _pattern(second), line):
            return [first, second]
    return []


def _pattern(said: str) -> str:
    return re.escape(said).replace("…", r"[^\s,]+")
