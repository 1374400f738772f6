"""Measurements of Parley alone: opening streams, readers that stall, sends."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.delivery import keys
from app.local.demo_room import address
from app.operations.edge_client import EdgeClient
from bench.audience import OWNER, head
from bench.edge.load import Load
from bench.edge.parley import Parley, reader_name
from bench.edge.reference import serving
from bench.edge.scenes import pin, resident_kib
from bench.running import running
from bench.spent import cpu_seconds
from bench.wire import Lane

_STREAMS = 10_000
_OWN_ROOMS = 10
_STALLED = 1_000
_LANES = 512
_SEND_SECONDS = 8.0


async def opening(parley: Parley, program: Path) -> dict[str, Any]:
    """Streams of 10,000 people, each with a room in common and ten of their own."""
    await parley.stop_edge()
    await parley.start_edge()
    await parley.seat(["common"], _STREAMS)
    await own_rooms(parley, _STREAMS)
    pin(parley.pid, 0)
    load = Load(program, "stream", parley.port, _STREAMS, ahead=256)
    before, cpu, began = resident_kib(parley.pid), cpu_seconds(parley.pid), time.monotonic()
    await load.start(parley.requests("stream", ["common"], _STREAMS))
    took, spent = time.monotonic() - began, cpu_seconds(parley.pid) - cpu
    grown = resident_kib(parley.pid) - before
    for _ in range(100):
        await parley.publish(["common"])
        await load.step()
    await load.stop()
    await parley.stop_edge()
    pauses = re.findall(r"gc_ms.*?=.*?([0-9.]+)", parley.log_text())
    await parley.start_edge()
    return {
        "per_core_second": round(_STREAMS / spent),
        "per_second": round(_STREAMS / took),
        "kib_each": round(grown / _STREAMS, 2),
        "gc_ms": float(pauses[-1]) if pauses else float("inf"),
    }


async def own_rooms(parley: Parley, people: int) -> None:
    """Make each of the first so many readers a member of ten rooms of their own."""
    async with parley.redis.pipeline(transaction=False) as pipe:
        for i in range(people):
            rooms: dict[Any, Any] = {f"own-{i}-{k}": 1 for k in range(_OWN_ROOMS)}
            pipe.hset(keys.rooms_of(reader_name(i)), mapping=rooms)
        await pipe.execute()


async def stalling(parley: Parley, program: Path) -> dict[str, Any]:
    """Readers that never read, while more is published than may wait for them."""
    await parley.stop_edge()
    await parley.start_edge()
    room = "stalled"
    await parley.seat([room], _STALLED)
    load = Load(program, "stall", parley.port, 0)
    await load.start(parley.requests("stall", [room], _STALLED))
    await asyncio.sleep(3)
    kernel, edge, most = _kernel_kib(), resident_kib(parley.pid), 0.0
    for _ in range(3_000):
        await parley.publish([room] * 4)
        grown = _kernel_kib() - kernel + resident_kib(parley.pid) - edge
        most = max(most, grown / _STALLED)
        await asyncio.sleep(0.002)
    await load.stop()
    return {"kib_each": round(most, 1)}


def _kernel_kib() -> int:
    """The kernel's memory for TCP on this machine, in KiB."""
    found = re.search(r"^TCP:.* mem (\d+)", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 4


async def sends(_: Parley, __: Path) -> dict[str, Any]:
    """Messages posted over 512 connections, each when the one before has its number.

    And what aiohttp alone answers, to tell how quick the machine is.
    """
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as parley:
            async with EdgeClient(parley.settings, address(parley.settings)) as posting:
                await posting.post("/v1/rooms", OWNER, {"room": "bench", "client_id": "open"})
            pid = parley.children["edge"].pid
            pin(pid, 0)
            found = await _send(parley.settings, pid)
        async with serving(Path(folder)) as (port, pid):
            pin(pid, 0)
            alone = await _send(replace(parley.settings, port=port), pid)
    return found | {"aiohttp_alone": alone["per_core_second"]}


async def _send(settings: Any, pid: int) -> dict[str, Any]:
    heads = head(settings, "POST", "/v1/rooms/bench/messages", OWNER)
    heads += b"Content-Type: application/json\r\n"
    statuses: list[int] = []
    going = True

    def free(lane: Lane) -> None:
        if going:
            lane.send(heads, len(statuses), lambda status, _: statuses.append(status))

    loop = asyncio.get_running_loop()
    for _ in range(_LANES):
        await loop.create_connection(lambda: Lane(free), settings.host, settings.port)
    await asyncio.sleep(2)
    count, cpu, began = len(statuses), cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(_SEND_SECONDS)
    count, cpu = len(statuses) - count, cpu_seconds(pid) - cpu
    took = time.monotonic() - began
    going = False
    return {
        "per_core_second": round(count / cpu),
        "per_second": round(count / took),
        "numbered": statuses.count(201) / len(statuses),
    }
