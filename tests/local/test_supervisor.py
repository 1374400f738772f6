from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from app.embedded.child import Child
from app.local.supervisor import Supervisor


class Sleep:
    """A part that sleeps, and notes when it is stopped."""

    def __init__(
        self, folder: Path, name: str, stops: list[str], script: str = "sleep 600"
    ) -> None:
        self.log = folder / f"{name}.log"
        self.child = Child(["sh", "-c", script or "exec sleep 600"], self.log)
        self._name = name
        self._stops = stops

    async def start(self) -> None:
        self.child.start()

    async def stop(self) -> None:
        self._stops.append(self._name)
        await self.child.stop()


async def ticks(supervisor: Supervisor, until: str, said: list[str]) -> None:
    async with asyncio.timeout(20):
        while not any(until in line for line in said):
            await supervisor.tick()
            await asyncio.sleep(0.02)


async def test_a_killed_part_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor, part = Supervisor(said.append), Sleep(tmp_path, "one", [])
    await supervisor.start("the worker", part)
    first = part.child.pid
    part.child.send(signal.SIGKILL)
    await ticks(supervisor, "is started again.", said)
    assert part.child.running
    assert part.child.pid != first
    assert "The worker ended (killed by SIGKILL) and is started again in 0.5 s" in said[0]
    await supervisor.stop()


async def test_a_part_that_keeps_ending_is_given_longer_and_longer_pauses(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    broken = Sleep(tmp_path, "two", [], script="echo no such table; exit 3")
    await supervisor.start("the worker", broken)
    await ticks(supervisor, "started again in 1 s", said)
    assert supervisor.ends("the worker") == 2
    assert "exit code 3" in said[0]
    assert said[0].endswith("no such table")


async def test_parts_are_stopped_in_the_reverse_order_of_their_start(tmp_path: Path) -> None:
    stops: list[str] = []
    supervisor = Supervisor(print)
    for name in ("kafka", "worker", "edge"):
        await supervisor.start(name, Sleep(tmp_path, name, stops))
    await supervisor.stop()
    assert stops == ["edge", "worker", "kafka"]
    assert supervisor.empty
