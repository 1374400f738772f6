"""Whether a second edge on a second core doubles what is delivered.

A machine of one core, which everything shares, Valkey and the load included, and one of two cores
with two edges on one port: so what the edges gain is not what the load loses. The same load on
both: two clients of 500 readers, and one message at a time, so that none are joined.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.cores import ALL
from bench.edge.growth import SECOND
from bench.edge.load import Load
from bench.edge.parley import Parley
from bench.edge.scenes import Scene, attended, pin

_SCENE = Scene("scaling", "stream", 500, 1, 1)
_CLIENTS = 2
_SECONDS = 4.0
_ROUNDS = 3


async def edges_on_cores(parley: Parley, program: Path) -> dict[str, Any]:
    """Deliveries a second with one edge on one core, with two on two, and how many times that is.

    Empty where there are no two cores.
    """
    if len(ALL) < 2:
        return {}
    before = os.sched_getaffinity(0)
    rates: dict[int, list[float]] = {1: [], 2: []}
    try:
        for _ in range(_ROUNDS):
            for count, of_it in rates.items():
                of_it.append(await _machine(parley, program, ALL[:count]))
    finally:
        os.sched_setaffinity(0, before)
    one, two = (median(of_it) for of_it in rates.values())
    return {"one": round(one), "two": round(two), "times": round(two / one, 2)}


async def _machine(parley: Parley, program: Path, cores: list[int]) -> float:
    """Deliveries a second with an edge for each of these cores, on which everything is."""
    os.sched_setaffinity(0, cores)
    await parley.stop_edge()
    await parley.start_edge(len(cores))
    await parley.seat(_SCENE.room_names, _SCENE.readers)
    await asyncio.sleep(SECOND)
    for pid in parley.others:
        pin(pid, *cores)
    for pid, core in zip(parley.pids, cores, strict=True):
        pin(pid, core)
    async with AsyncExitStack() as stack:
        loads = []
        for core in (cores * _CLIENTS)[:_CLIENTS]:
            os.sched_setaffinity(0, {core})
            load, _ = await stack.enter_async_context(attended(_SCENE, parley, program))
            loads.append(load)
        os.sched_setaffinity(0, cores)
        await _for(parley, loads, 1.0)
        return await _for(parley, loads, _SECONDS)


async def _for(parley: Parley, loads: list[Load], seconds: float) -> float:
    """Publish for so long, each message when the one before is everywhere: deliveries a second."""
    bursts = _SCENE.bursts()
    began, done = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        await parley.publish(next(bursts))
        await asyncio.gather(*(load.step() for load in loads))
        done += 1
    return done * len(loads) * _SCENE.readers / (time.monotonic() - began)
