"""The parts for the pipeline's benchmarks: Kafka, Valkey, and workers, each on its core."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from redis import asyncio as aioredis

from app.delivery import keys
from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.errors import ParleyError
from app.kafka.admin import provision
from app.settings import Settings
from app.topics import TOPICS, Topic
from bench.cores import ALL, MEASURED, OTHERS, on

_READY_SECONDS = 120.0


@dataclass(frozen=True)
class Stage:
    """A broker and a Valkey that run on the other cores, with Parley's topics."""

    settings: Settings
    redis: Any
    #: Events of the log that the history store was never to have.
    unarchived: int = 0
    #: The cores that everything has together; `None` where workers have their own.
    shared: frozenset[int] | None = None

    @asynccontextmanager
    async def workers(self, count: int) -> AsyncIterator[list[Placed]]:
        """Workers that are ready: one on the measured core, or more, each on another core."""
        apart = [MEASURED] if count == 1 else [{ALL[i % len(ALL)]} for i in range(count)]
        cores = apart if self.shared is None else [set(self.shared)] * count
        started: list[Placed] = []
        try:
            for number, core in enumerate(cores):
                started.append(self._worker(f"bench-{number}", core))
                started[-1].start()
                await started[-1].ready()
            yield started
        finally:
            await asyncio.gather(*(worker.stop(30) for worker in started))

    async def through(
        self, target: int, workers: list[Placed], within: float
    ) -> tuple[float, float]:
        """Wait until so many events are in Valkey, and in the history store; when that was."""
        published = await reach(self.published, target, workers, within)
        return published, await reach(self.archived, target, workers, within, every=0.05)

    def _worker(self, name: str, cores: set[int]) -> Placed:
        settings = replace(self.settings, worker=name)
        log = settings.data / "logs" / f"{name}-{time.monotonic_ns()}.log"
        return Placed([sys.executable, "-m", "app.cli", "worker"], log, settings.environ(), cores)

    def program(self, module: str, *arguments: str) -> Placed:
        """Another program of the benchmark's, on the measured core, not started yet."""
        log = self.settings.data / "logs" / f"{module}-{time.monotonic_ns()}.log"
        return Placed([sys.executable, "-m", module, *arguments], log, {}, MEASURED)

    async def published(self) -> int:
        """Events of `chat.log` that are in Valkey."""
        places = [keys.position(partition) for partition in range(self.settings.partitions)]
        return sum(int(raw) + 1 for raw in await self.redis.mget(places) if raw is not None)

    async def publishes(self) -> int:
        """How often anybody published anything in Valkey."""
        stats = await self.redis.info("commandstats")
        return int(stats.get("cmdstat_publish", {"calls": 0})["calls"])

    async def archived(self) -> int:
        """Events in the history store, with those that it was never to have."""

        def count() -> int:
            path = self.settings.data / "history.db"
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                return int(database.execute("SELECT count(*) FROM parley_log").fetchone()[0])

        return self.unarchived + await asyncio.to_thread(count)


class Placed(Child):
    """A child process that runs on given cores."""

    def __init__(self, command: list[str], log: Path, environ: dict[str, str], cores: set[int]):
        super().__init__(command, log, environ)
        self._cores = cores

    def start(self) -> None:
        """Start it there."""
        with on(self._cores):
            super().start()

    async def ready(self) -> float:
        """Wait until it says that it is; the seconds that took."""
        began = time.monotonic()
        await reach(self._said, 1, [self], _READY_SECONDS)
        return time.monotonic() - began

    async def _said(self) -> int:
        return len(re.findall(r"\bready\b", self.log.read_text())) if self.log.exists() else 0


@asynccontextmanager
async def stage(folder: Path, shared: frozenset[int] | None = None) -> AsyncIterator[Stage]:
    """Kafka and Valkey with nothing in them, their data in `folder`.

    They have cores of their own, unless everything shares the cores `shared`.
    """
    with on(OTHERS if shared is None else set(shared)):
        async with Kafka(folder / "kafka") as kafka, Valkey(folder / "valkey") as valkey:
            settings = Settings(broker=kafka.url, redis=valkey.url, data=folder)
            await provision(settings, [_stamped(topic) for topic in TOPICS])
            redis = aioredis.from_url(valkey.url)
            try:
                yield Stage(settings, redis, shared=shared)
            finally:
                await redis.aclose()


def _stamped(topic: Topic) -> Topic:
    """The topic with the broker's own times on its records."""
    return replace(topic, config={**topic.config, "message.timestamp.type": "LogAppendTime"})


async def reach(
    count: Callable[[], Any],
    target: int,
    children: Sequence[Child],
    within: float,
    every: float = 0.01,
) -> float:
    """Wait until `count` is there; when that was. Raises `ParleyError` where it does not come."""
    deadline = time.monotonic() + within
    while (there := await count()) < target:
        if time.monotonic() > deadline or not all(child.running for child in children):
            tails = "\n".join(child.tail() for child in children)
            raise ParleyError(f"{there} of {target}; the log says:\n{tails}")
        await asyncio.sleep(every)
    return time.monotonic()


@asynccontextmanager
async def held(children: Sequence[Child]) -> AsyncIterator[None]:
    """Stopped processes, that go on at the end: give it less than a session's 15 seconds."""
    for child in children:
        child.send(signal.SIGSTOP)
    try:
        yield
    finally:
        for child in children:
            child.send(signal.SIGCONT)
