"""The cost of a delivery as an edge grows: in rooms, in readers, and with a second edge."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import median
from typing import Any

from bench.edge.parley import Parley
from bench.edge.readers import own_rooms
from bench.edge.scenes import Scene, attended, delivery_us, pin

_READERS = 1_000
_ROUNDS = 3
_SECONDS = 2.0

#: Seconds until the second of two edges is there, too.
SECOND = 3.0


async def growth(parley: Parley, program: Path) -> dict[str, Any]:
    """A delivery to 1,000 readers of a room, and the same while each has ten rooms of their own."""
    alone = await _delivery_us(parley, program, "alone")
    await own_rooms(parley, _READERS)
    among = await _delivery_us(parley, program, "among")
    return {"rooms_1_us": alone, "rooms_10000_us": among}


async def readers(parley: Parley, program: Path) -> dict[str, Any]:
    """A delivery to few and to many, with no other server's connections in the kernel's caches."""
    few, many = [
        await _delivery_us(parley, program, str(count), readers=count) for count in (100, 10_000)
    ]
    return {"readers_100_us": few, "readers_10000_us": many}


async def edges(parley: Parley, program: Path) -> dict[str, Any]:
    """The same delivery by one edge and by two, which share the readers."""
    return {
        "edges_1_us": await _delivery_us(parley, program, "one"),
        "edges_2_us": await _delivery_us(parley, program, "two", 2),
    }


async def _delivery_us(
    parley: Parley, program: Path, name: str, count: int = 1, readers: int = _READERS
) -> float:
    """Microseconds of all edges' processor time, median of the rounds."""
    scene = Scene(name, "stream", readers, 1, 1)
    await parley.stop_edge()
    await parley.start_edge(count)
    await parley.seat(scene.room_names, readers)
    if count > 1:
        await asyncio.sleep(SECOND)
    for pid in parley.pids:
        pin(pid, 0)
    async with attended(scene, parley, program) as (load, _):
        rounds = [await delivery_us(scene, parley, load, _SECONDS) for _ in range(_ROUNDS)]
    return round(median(rounds), 3)
