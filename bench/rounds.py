"""One round of messages through Parley's pipeline, from a warm start."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from bench.corpus import texts
from bench.crowd import Crowd, write
from bench.spent import Spent
from bench.stage import Placed, Stage, held

#: Seconds that a round may take.
PATIENCE = 120.0
_WARMED = 1000


@dataclass(frozen=True)
class Load:
    """The load for the pipeline."""

    messages: int
    rooms: int
    members: int
    rounds: int
    workers: int


async def opened(there: Stage, crowd: Crowd) -> None:
    """Open the rooms, before the measurement."""
    async with there.workers(1) as workers:
        opened = await write(there.settings, crowd.opening())
        await there.through(opened, workers, PATIENCE)


async def one_round(there: Stage, crowd: Crowd, load: Load, number: int) -> dict[str, float]:
    """One round of Parley: messages a second, and milliseconds of processor for each.

    The clock runs from the moment at which the workers, warm and held, may go on.
    """
    count = load.messages
    async with there.workers(load.workers) as workers:
        base = await warm(there, crowd, workers, f"warm-{number}")
        async with held(workers):
            await write(there.settings, crowd.saying(texts(), number * count, count))
        began = time.monotonic()
        spent = Spent({str(worker.pid): worker.pid for worker in workers})
        published, archived = await there.through(base + count, workers, PATIENCE)
        seconds, _ = spent.so_far()
    return {
        "per_second": count / (published - began),
        "archived_per_second": count / (archived - began),
        "cpu_ms": sum(seconds.values()) * 1000 / count,
    }


async def warm(there: Stage, crowd: Crowd, workers: list[Placed], word: str) -> int:
    """Have a word said in every room, of a thousand at most; how many events there are then."""
    warming = replace(crowd, word=word)
    base = await there.published()
    base += await write(there.settings, warming.saying(["warm"], 0, min(crowd.rooms, _WARMED)))
    await there.through(base, workers, PATIENCE)
    return base
