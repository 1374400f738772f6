"""Whether a second edge on a second core doubles the deliveries.

A machine of one core, which everything shares, Valkey and the load included, and one of two cores
with two edges: so what the edges gain is not what the load loses. The same load on both: two
clients of 2,500 readers, and one message at a time, so that none are joined. With two edges each
has a client on its core, and a port for it: on a port of both, half of the packets would wake a
reader on the other core, which costs an edge as much as the delivery does where the network is the
memory of one machine. What a port for both costs, `growth.edges` measures.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from bench.cores import ALL
from bench.edge.load import Load
from bench.edge.parley import Parley
from bench.edge.scenes import Scene, attended, pin

_SCENE = Scene("scaling", "stream", 2500, 1, 1)
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
    await parley.start_edge()
    one, two = (median(of_it) for of_it in rates.values())
    return {"one": round(one), "two": round(two), "times": round(two / one, 2)}


async def _machine(parley: Parley, program: Path, cores: list[int]) -> float:
    """Deliveries a second with an edge for each of these cores, on which everything is."""
    os.sched_setaffinity(0, cores)
    edges = [parley] + [parley.another() for _ in cores[1:]]
    await parley.stop_edge()
    async with AsyncExitStack() as stack:
        for edge in edges:
            await edge.start_edge()
            stack.push_async_callback(edge.stop_edge)
        await parley.seat(_SCENE.room_names, _SCENE.readers)
        for pid in parley.others:
            pin(pid, *cores)
        loads = []
        for edge, core in islice(cycle(zip(edges, cores, strict=True)), _CLIENTS):
            pin(edge.pid, core)
            os.sched_setaffinity(0, {core})
            load, _ = await stack.enter_async_context(attended(_SCENE, edge, program))
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
