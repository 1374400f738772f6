"""`make bench-edge`: the edge against nginx with nchan, in turns, on the same work.

`OPTIONS="--seconds 2 --rounds 3 --only stream-1,poll"` asks for less. Writes bench/out/edge.json.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.edge import nchan
from bench.edge.growth import edges, growth, readers
from bench.edge.load import compiled
from bench.edge.parley import Parley
from bench.edge.readers import opening, sends, stalling
from bench.edge.scaling import edges_on_cores
from bench.edge.scenes import Scene, Server, attended, delays, delivery_us, pin
from bench.figures import Goal, keep, table

SCENES = (
    Scene("stream-1", "stream", 1_000, 1, 1),
    Scene("stream-8", "stream", 1_000, 1, 8),
    Scene("stream-32", "stream", 1_000, 1, 32),
    Scene("stream-10000", "stream", 10_000, 1, 1),
    Scene("rooms", "stream", 10_000, 1_000, 100),
    Scene("poll", "poll", 1_000, 1, 1),
    Scene("stream-100", "stream", 100, 1, 1),
)
#: Times nchan that deliveries a core-second are to be at least.
_RATIOS = {"stream-1": 1.3, "stream-8": 4, "stream-32": 10, "rooms": 1.2, "poll": 1.2}
_ALONE = {
    "edges": edges,
    "cores": edges_on_cores,
    "growth": growth,
    "readers": readers,
    "opening": opening,
    "stalling": stalling,
    "sends": sends,
}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="make bench-edge")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of A B A B")
    names = [scene.name for scene in SCENES] + list(_ALONE)
    parser.add_argument("--only", default=",".join(names), help="of " + ", ".join(names))
    options = parser.parse_args()
    if missing := nchan.missing():
        print(f"{missing}; measuring Parley alone")
    os.sched_setaffinity(0, {os.cpu_count() - 1 if os.cpu_count() else 0})  # type: ignore[operator]
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(_measure(Path(folder), options, not missing))
    goals = _goals(result)
    result["goals"] = [goal._asdict() for goal in goals]
    print(_report(result))
    for goal in goals:
        print(f"{'met ' if goal.met else 'NOT '} {goal.what}: {goal.measured}")
    print(f"kept in {keep('edge', result)}")
    print(f"goals met: {sum(goal.met for goal in goals)} of {len(goals)}")
    sys.exit(0)


async def _measure(folder: Path, options: argparse.Namespace, compare: bool) -> dict[str, Any]:
    program = compiled(folder)
    only = options.only.split(",")
    parley = Parley(folder / "parley")
    servers: list[Any] = [nchan.Nchan(folder / "nchan")] if compare else []
    servers.append(parley)
    result: dict[str, Any] = {"scenes": {}}
    async with AsyncExitStack() as running:
        for server in servers:
            await server.start()
            running.push_async_callback(server.stop)
        for scene in [scene for scene in SCENES if scene.name in only]:
            result["scenes"][scene.name] = await _scene(scene, servers, program, options)
            print(f"{scene.name}: {result['scenes'][scene.name]}", flush=True)
        for name, measure in _ALONE.items():
            if name in only:
                result[name] = await measure(parley, program)
                print(f"{name}: {result[name]}", flush=True)
    return result


async def _scene(
    scene: Scene, servers: list[Server], program: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Each server by turns, with all readers of all servers connected throughout."""
    found: dict[str, dict[str, Any]] = {server.name: {} for server in servers}
    costs: dict[str, list[float]] = defaultdict(list)
    loads = []
    contexts = []
    try:
        for server in servers:
            await server.seat(scene.room_names, scene.readers)
            pin(server.pid, 0)
            context = attended(scene, server, program)
            load, opened = await context.__aenter__()
            contexts.append(context)
            loads.append(load)
            found[server.name] |= opened
        for _ in range(options.rounds):
            for server, load in zip(servers, loads, strict=True):
                costs[server.name].append(await delivery_us(scene, server, load, options.seconds))
        if scene.name == "stream-1":
            for server, load in zip(servers, loads, strict=True):
                late = await delays(scene, server, load, 20, 3 * options.seconds)
                found[server.name] |= {name: late[name] for name in ("p50_ms", "p99_ms")}
    finally:
        for context in contexts:
            await context.__aexit__(None, None, None)
    for name, figures in costs.items():
        found[name]["delivery_us"] = round(median(figures), 3)
        found[name]["rounds_us"] = [round(figure, 3) for figure in figures]
    return found


def _goals(result: dict[str, Any]) -> list[Goal]:
    goals = []
    scenes = result["scenes"]
    for name, least in _RATIOS.items():
        if "nchan" in scenes.get(name, {}):
            theirs, ours = (scenes[name][who]["delivery_us"] for who in ("nchan", "Parley"))
            what = f"{name}: deliveries a core-second at least {least} x nchan"
            goals.append(Goal(what, theirs >= least * ours, f"{theirs / ours:.2f} x"))
    if "nchan" in scenes.get("stream-1", {}):
        for figure in ("p50_ms", "p99_ms"):
            theirs, ours = (scenes["stream-1"][who][figure] for who in ("nchan", "Parley"))
            what = f"20 events/s x 1,000 readers: {figure[:3]} no later than nchan's"
            goals.append(Goal(what, ours <= theirs, f"{ours} ms, nchan {theirs} ms"))
    if "stream-10000" in scenes:
        kib = scenes["stream-10000"]["Parley"]["kib_each"]
        goals.append(Goal("an idle stream of 10,000: at most 4 KiB", kib <= 4, f"{kib} KiB"))
    if "stalling" in result:
        kib = result["stalling"]["kib_each"]
        goals.append(Goal("a reader that never reads: at most 300 KiB", kib <= 300, f"{kib} KiB"))
    goals += _grown(result)
    if "opening" in result:
        rate = result["opening"]["per_core_second"]
        goals.append(Goal("new streams a core-second: 6,000", rate >= 6_000, f"{rate}"))
        pause = result["opening"]["gc_ms"]
        what = "longest garbage collection at 10,000 streams: at most 10 ms"
        goals.append(Goal(what, pause <= 10, f"{pause} ms"))
    if "sends" in result:
        rate = result["sends"]["per_core_second"]
        alone = result["sends"]["aiohttp_alone"]
        told = f"{rate}; aiohttp alone answers {alone} here, and 22,900 where that was set"
        goals.append(Goal("sends a core-second: 5,000", rate >= 5_000, told))
    return goals


def _grown(result: dict[str, Any]) -> list[Goal]:
    goals = []
    for name, few, many, most, what in (
        ("growth", "rooms_1_us", "rooms_10000_us", 1.2, "from 1 to 10,000 rooms on the edge"),
        ("readers", "readers_100_us", "readers_10000_us", 1.3, "from 100 to 10,000 readers"),
        ("edges", "edges_1_us", "edges_2_us", 1.2, "from one edge to two on a port"),
    ):
        if name in result:
            before, after = result[name][few], result[name][many]
            goal = f"delivery cost {what} within {most} x"
            goals.append(Goal(goal, after <= most * before, f"{before} us, {after} us"))
    if found := result.get("cores"):
        what = "two edges on two cores: at least 1.7 x one on one"
        goals.append(Goal(what, found["times"] >= 1.7, f"{found['times']} x"))
    return goals


def _report(result: dict[str, Any]) -> str:
    rows = []
    for scene, servers in result["scenes"].items():
        for name, found in servers.items():
            rate = round(1e6 / found["delivery_us"])
            columns = (found[key] for key in ("delivery_us", "kib_each", "open_us"))
            rows.append((f"{scene}, {name}", *columns, rate))
    head = ("scene", "us a delivery", "KiB a reader", "us to open", "deliveries a core-second")
    return "\n" + table(head, rows)


if __name__ == "__main__":
    main()
