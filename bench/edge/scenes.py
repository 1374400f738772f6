"""The scenes in which a server is measured, each with a load of its own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol

from bench.edge.load import Load
from bench.spent import cpu_seconds


class Server(Protocol):
    """A server that is compared."""

    @property
    def name(self) -> str: ...
    @property
    def talks_first(self) -> dict[str, bool]: ...
    @property
    def port(self) -> int: ...
    @property
    def pid(self) -> int: ...
    @property
    def pids(self) -> list[int]: ...
    async def seat(self, rooms: list[str], readers: int) -> None: ...
    def requests(self, mode: str, rooms: list[str], readers: int) -> list[tuple[bytes, bytes]]: ...
    async def publish(self, rooms: Any) -> None: ...


@dataclass(frozen=True)
class Scene:
    """`burst` messages at once, to `readers` spread over `rooms`, by stream or by poll."""

    name: str
    mode: str
    readers: int
    rooms: int
    burst: int

    @property
    def room_names(self) -> list[str]:
        """The rooms; scenes of one shape share them."""
        return [f"r{self.readers}-{self.rooms}-{i}" for i in range(self.rooms)]

    @property
    def deliveries(self) -> int:
        """Of one burst."""
        return self.burst * (self.readers // self.rooms)

    def bursts(self) -> Iterator[list[str]]:
        """Which rooms get the messages of each burst."""
        rooms = self.room_names
        turn = (rooms[i % len(rooms)] for i in count())
        while True:
            yield list(islice(turn, self.burst))


def pin(pid: int, *cores: int) -> None:
    """Keep a process, with all its threads, on these cores."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def resident_kib(pid: int) -> int:
    """Memory of a process, in KiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


@asynccontextmanager
async def attended(scene: Scene, server: Server, program: Path) -> Any:
    """The scene's readers, connected; gives their load and the time of opening them."""
    load = Load(program, scene.mode, server.port, scene.deliveries)
    before, cpu = resident_kib(server.pid), spent(server)
    requests = server.requests(scene.mode, scene.room_names, scene.readers)
    try:
        await load.start(requests, server.talks_first[scene.mode])
        await asyncio.sleep(0.5)
        took = spent(server) - cpu
        yield (
            load,
            {
                "kib_each": round((resident_kib(server.pid) - before) / scene.readers, 2),
                "open_us": round(took / scene.readers * 1e6, 1),
            },
        )
    finally:
        await load.stop()


def spent(server: Server) -> float:
    """Seconds of processor time that a server's processes have taken so far."""
    return sum(cpu_seconds(pid) for pid in server.pids)


async def delivery_us(scene: Scene, server: Server, load: Load, seconds: float) -> float:
    """Microseconds of the server's processor time for a delivery, burst after burst."""
    bursts = scene.bursts()
    await server.publish(next(bursts))
    await load.step()
    cpu, began, done = spent(server), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        await server.publish(next(bursts))
        await load.step()
        done += 1
    return (spent(server) - cpu) / (done * scene.deliveries) * 1e6


async def delays(scene: Scene, server: Server, load: Load, rate: float, seconds: float) -> Any:
    """`p50_ms` and `p99_ms` from publishing to receipt, at so many messages a second."""
    bursts = scene.bursts()
    load.forget()
    began, sent = time.monotonic(), int(rate * seconds)
    for i in range(sent):
        await asyncio.sleep(max(0.0, began + i / rate - time.monotonic()))
        await server.publish(next(bursts))
    for _ in range(sent):
        await load.step()
    return await load.figures()
