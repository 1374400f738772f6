"""Subscriptions: catching up, one endpoint, and a thousand subscriptions of a room each.

A worker with the group of subscriptions alone sends to an endpoint on another core.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec
import uvloop

from app.embedded.ports import free_port
from app.errors import ParleyError
from app.events import MessageCreated, Subscription, encode
from app.settings import Settings
from app.topics import LOG, SUBSCRIPTIONS, partition_of
from bench.cores import MEASURED, OTHERS
from bench.crowd import Pair, write_pairs
from bench.figures import Goal, judge, keep, table
from bench.spent import Spent, memory_mib
from bench.stage import Placed, Stage, stage

_ROOMS = 1_000
_WITHIN = 600.0
_SECRET = "a secret of the benchmark's, which is long enough"


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", default=200_000, show_default=True, help="Events to catch up on.")
@click.option("--live", default=10_000, show_default=True, help="Events that come as they happen.")
@click.option("--rate", default=500, show_default=True, help="Of those, a second.")
@click.option("--subscriptions", default=1_000, show_default=True, help="Each of one room.")
def main(events: int, live: int, rate: int, subscriptions: int) -> None:
    """Run and report."""
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(Path(folder), events, live, rate, subscriptions))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    rows = [
        (
            name,
            f"{one['per_second']:,.0f}",
            f"{one['cpu_us']:.0f}",
            f"{one['p50']:.0f}",
            f"{one['p99']:.0f}",
        )
        for name, one in result["turns"].items()
    ]
    turns = result["turns"]
    batches, single = turns["behind, 100 a request"], turns["behind, 1 a request"]
    many = turns[f"{subscriptions:,} subscriptions"]
    goals = [
        Goal(
            "5,000 events/s are caught up",
            batches["per_second"] >= 5_000,
            f"{batches['per_second']:,.0f}",
        ),
        Goal(
            "1,000 requests/s to one endpoint",
            single["per_second"] >= 1_000,
            f"{single['per_second']:,.0f}",
        ),
        Goal("live events come within 250 ms, p99", many["p99"] <= 250, f"{many['p99']:.0f} ms"),
    ]
    path = keep("subscriptions", {**result, "goals": [goal._asdict() for goal in goals]})
    head = ("a worker sends", "events/s", "µs CPU each", "p50 ms", "p99 ms")
    click.echo(f"\n{table(head, rows)}")
    click.echo(f"\n{subscriptions:,} subscriptions take {result['mib']:.0f} MiB of the worker")
    click.echo(f"\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(
    folder: Path, events: int, live: int, rate: int, subscriptions: int
) -> dict[str, Any]:
    port = free_port()
    endpoint = Placed(
        [sys.executable, "-m", "bench.endpoint", str(port)], folder / "endpoint.log", {}, OTHERS
    )
    url = f"http://127.0.0.1:{port}/hook"
    async with stage(folder) as there, aiohttp.ClientSession() as http:
        endpoint.start()
        await endpoint.ready()
        settings = replace(
            there.settings, secret=_SECRET, only="subscriptions", webhook_hosts="127.0.0.1"
        )
        bench = _Bench(there, settings, http, url)
        worker = Placed(
            [sys.executable, "-m", "app.cli", "worker"],
            folder / "worker.log",
            settings.environ(),
            MEASURED,
        )
        click.echo(f"Writing {events:,} events")
        await write_pairs(settings, LOG, _messages(events, settings.partitions))
        worker.start()
        await worker.ready()
        turns: dict[str, dict[str, float]] = {}
        try:
            for batch, count in ((100, events), (1, events // 10)):
                one = _subscription("one", url, batch=batch, parallel=64 if batch == 1 else 8)
                turns[f"behind, {batch} a request"] = await bench.caught_up(worker, one, count)
                click.echo(f"{batch} a request: done")
            before = memory_mib(worker.pid)
            names = [f"room-{number}" for number in range(subscriptions)]
            now = time.time_ns() // 1_000_000
            await bench.set(
                [_subscription(room, url, rooms=(room,), from_ms=now) for room in names]
            )
            await asyncio.sleep(15)
            mib = memory_mib(worker.pid) - before
            turns[f"{subscriptions:,} subscriptions"] = await bench.live(
                worker, live, rate, subscriptions
            )
        finally:
            await worker.stop(30)
            await endpoint.stop(5)
    return {"turns": turns, "mib": mib}


class _Bench:
    def __init__(
        self, there: Stage, settings: Settings, http: aiohttp.ClientSession, url: str
    ) -> None:
        self._there = there
        self._settings = settings
        self._http = http
        self._url = url

    async def set(self, wanted: Sequence[Subscription]) -> None:
        """Write subscriptions."""
        partitions = self._settings.partitions
        pairs = [(partition_of(s.id, partitions), s.id.encode(), encode(s)) for s in wanted]
        await write_pairs(self._settings, SUBSCRIPTIONS, pairs)

    async def caught_up(self, worker: Placed, one: Subscription, count: int) -> dict[str, float]:
        """A subscription from the log's start gets so many events."""
        before = (await self._counts())["events"]
        await self.set([one])
        await self._reach(before + count // 10, worker)
        spent, began = Spent({"worker": worker.pid}), await self._counts()
        ended = await self._reach(before + count, worker)
        seconds, passed = spent.so_far()
        await self.set([_paused(one)])
        await asyncio.sleep(2)
        await self._counts()
        return _figures(ended["events"] - began["events"], passed, seconds["worker"], [])

    async def live(self, worker: Placed, count: int, rate: int, rooms: int) -> dict[str, float]:
        """Events that happen now, each for one subscription."""
        before, spent = (await self._counts())["events"], Spent({"worker": worker.pid})
        began, step = time.monotonic(), max(1, rate // 50)
        for start in range(0, count, step):
            pairs = _messages(step, self._settings.partitions, start, rooms, live=True)
            await write_pairs(self._settings, LOG, pairs)
            await asyncio.sleep(max(0.0, began + start / rate - time.monotonic()))
        ended = await self._reach(before + count, worker)
        seconds, passed = spent.so_far()
        return _figures(ended["events"] - before, passed, seconds["worker"], ended["late"])

    async def _counts(self) -> dict[str, Any]:
        async with self._http.get(self._url) as answer:
            counts: dict[str, Any] = await answer.json(content_type=None)
        return counts

    async def _reach(self, target: int, worker: Placed) -> dict[str, Any]:
        deadline = time.monotonic() + _WITHIN
        late: list[int] = []
        while time.monotonic() < deadline and worker.running:
            counts = await self._counts()
            late += counts["late"]
            if counts["events"] >= target:
                return counts | {"late": late}
            await asyncio.sleep(0.05)
        raise ParleyError(f"{counts['events']} of {target}: {worker.tail()}")


def _figures(events: int, passed: float, cpu: float, late: Sequence[int]) -> dict[str, float]:
    percentiles = statistics.quantiles(late, n=100) if len(late) > 1 else [0.0] * 99
    return {
        "per_second": events / passed,
        "cpu_us": cpu * 1e6 / events,
        "p50": percentiles[49],
        "p99": percentiles[98],
    }


def _subscription(name: str, url: str, **fields: Any) -> Subscription:
    return Subscription(
        id=f"sub_{name}-{time.monotonic_ns()}", by="bench", at_ms=1, url=url, **fields
    )


def _paused(one: Subscription) -> Subscription:
    return msgspec.structs.replace(one, paused=True)


def _messages(
    count: int, partitions: int, start: int = 0, rooms: int = _ROOMS, *, live: bool = False
) -> Iterator[Pair]:
    for index in range(start, start + count):
        room = f"room-{index % rooms}"
        number = index // rooms + 1
        event = MessageCreated(
            id=f"{index:036}",
            client_id=f"{index}",
            room=room,
            n=number,
            seq=number,
            by=f"user-{index % 20}",
            at_ms=time.time_ns() // 1_000_000 if live else 1_700_000_000_000 + index,
            text="something that somebody says about nothing much",
        )
        yield partition_of(room, partitions), room.encode(), encode(event)


if __name__ == "__main__":
    main()
