"""What metrics and traces cost a message, at a worker and at an edge.

One worker and three edges of the same Parley: one edge without either, one with metrics, one with
traces. They are measured in turns, within seconds of each other: without, with metrics that are
asked for every second, with traces of the default share. Of the worker, the records are there
beforehand, and the header of a trace is in the share of them; of an edge, messages are posted at a
steady rate, and streams get them. A figure is the processor time of the process, compared in pairs
of one round, and the median of the rounds. A scrape costs the same whatever the load, and so does a
request to the collector: a busier process has a lower share.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from secrets import token_hex
from statistics import median
from typing import Any, Final

import click
import uvloop

from app.embedded.ports import free_port
from app.errors import ParleyError
from app.events import TRACEPARENT, Traceparent
from app.local.demo_room import edge_is_ready
from app.settings import Settings
from bench.audience import Audience
from bench.cores import MEASURED
from bench.corpus import texts
from bench.crowd import Crowd, write
from bench.figures import Goal, judge, keep, table
from bench.observers import Collector, scraped
from bench.rounds import PATIENCE, opened, warm
from bench.running import UNHURRIED
from bench.speaker import Speaker
from bench.spent import cpu_seconds
from bench.stage import Placed, Stage, held, reach, stage

WITHOUT, METRICS, TRACES = "without", "metrics", "traces"
VARIANTS: Final = (WITHOUT, METRICS, TRACES)

#: Percent of a message's processor time.
_GOALS: Final = {METRICS: 1.0, TRACES: 3.0}

#: Seconds after the load, in which the last spans are sent: they belong to it.
_SETTLE: Final = 2.5
_ROOMS: Final = 100
_MEMBERS: Final = 5
_READY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Load:
    """The load of each turn."""

    messages: int
    rate: float
    seconds: float
    readers: int
    rounds: int


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=10_000, show_default=True, help="Of a turn, for the worker.")
@click.option("--rate", default=200.0, show_default=True, help="Messages a second, for the edge.")
@click.option("--seconds", default=10.0, show_default=True, help="Of a turn, for the edge.")
@click.option("--readers", default=50, show_default=True, help="Streams at each edge.")
@click.option("--rounds", default=7, show_default=True, help="Turns of each, of which the median.")
def main(messages: int, rate: float, seconds: float, readers: int, rounds: int) -> None:
    """Run and report."""
    load = Load(messages, rate, seconds, readers, rounds)
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(load, Path(folder)))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = _goals(result)
    result["goals"] = [goal._asdict() for goal in goals]
    path = keep("metrics_cost", result)
    click.echo(f"\n{_report(result)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(load: Load, folder: Path) -> dict[str, Any]:
    collector = Collector()
    async with stage(folder) as there, collector.listening():
        settings = replace(
            there.settings, secret=token_hex(32), otlp=collector.url, prometheus_port=free_port()
        )
        there = replace(there, settings=replace(settings, **UNHURRIED))
        crowd = Crowd(_ROOMS, _MEMBERS)
        await opened(there, crowd)
        async with there.workers(1) as workers:
            await warm(there, crowd, workers, "warm")
            worker = await _worker_turns(load, there, crowd, workers[0])
            edge = await _edge_turns(load, there)
        if not collector.requests:
            raise ParleyError("no span came")
    return {
        "load": asdict(load),
        "share_traced": Settings.trace_sample,
        "worker": worker,
        "edge": edge,
    }


def _order(number: int) -> tuple[str, ...]:
    """The variants of a round, each round in another order: a machine gets slower, or faster."""
    turn = number % len(VARIANTS)
    return VARIANTS[turn:] + VARIANTS[:turn]


# ── the worker ───────────────────────────────────────────────────────────────────────────────────


async def _worker_turns(
    load: Load, there: Stage, crowd: Crowd, worker: Placed
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    start = 0
    for number in range(load.rounds):
        for variant in _order(number):
            spent = await _worker_turn(load, there, crowd, worker, variant, start)
            found[variant].append(spent)
            start += load.messages
        click.echo(f"worker, round {number + 1}: {_told(found)}")
    return found


async def _worker_turn(
    load: Load, there: Stage, crowd: Crowd, worker: Placed, variant: str, start: int
) -> float:
    """Milliseconds of a worker's processor for each of the messages."""
    share = Settings.trace_sample if variant == TRACES else 0.0
    count = load.messages
    base = await there.published()
    async with held([worker]):
        commands = crowd.saying(texts(), start, count)
        await write(there.settings, commands, headers_of=lambda: _headers(share))
    before = cpu_seconds(worker.pid)
    async with _watched(variant, there.settings.prometheus_port):
        await there.through(base + count, [worker], PATIENCE)
    await asyncio.sleep(_SETTLE)
    return (cpu_seconds(worker.pid) - before) * 1000 / count


def _headers(share: float) -> list[tuple[str, bytes]]:
    if random.random() >= share:
        return []
    return [(TRACEPARENT, str(Traceparent(token_hex(16), token_hex(8))).encode())]


# ── the edge ─────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Edge:
    """An edge, and who writes and reads there."""

    process: Placed
    settings: Settings
    audience: Audience
    speaker: Speaker


async def _edge_turns(load: Load, there: Stage) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    count, start = round(load.rate * load.seconds), 0
    async with AsyncExitStack() as stack:
        edges = {
            name: await stack.enter_async_context(_edge(load, there, name)) for name in VARIANTS
        }
        for edge in edges.values():
            await edge.speaker.speak(start, start + count // 4, load.rate)
            start += count // 4
        for number in range(load.rounds):
            for variant in _order(number):
                found[variant].append(await _edge_turn(load, edges[variant], variant, start, count))
                start += count
            click.echo(f"edge, round {number + 1}: {_told(found)}")
    return found


async def _edge_turn(load: Load, edge: _Edge, variant: str, start: int, count: int) -> float:
    """Milliseconds of an edge's processor for each of the messages, with their deliveries."""
    before = cpu_seconds(edge.process.pid)
    async with _watched(variant, edge.settings.prometheus_port):
        await edge.speaker.speak(start, start + count, load.rate)
    await asyncio.sleep(_SETTLE)
    return (cpu_seconds(edge.process.pid) - before) * 1000 / count


@asynccontextmanager
async def _edge(load: Load, there: Stage, variant: str) -> AsyncIterator[_Edge]:
    """An edge with readers, on the core that is measured."""
    settings = replace(
        there.settings,
        port=free_port(),
        otlp=there.settings.otlp if variant == TRACES else "",
        prometheus_port=free_port() if variant == METRICS else 0,
    )
    log = settings.data / "logs" / f"edge-{variant}-{time.monotonic_ns()}.log"
    # One seed: dicts of strings are laid out alike in all three.
    environ = {**settings.environ(), "PYTHONHASHSEED": "0"}
    process = Placed([sys.executable, "-m", "app.cli", "edge"], log, environ, MEASURED)
    process.start()

    async def ready() -> int:
        return int(await edge_is_ready(settings))

    try:
        await reach(ready, 1, [process], _READY_SECONDS, every=0.1)
        audience = Audience(settings, 1, load.readers)
        await audience.gather()
        speaker = Speaker(settings, audience.rooms)
        await speaker.connect()
        yield _Edge(process, settings, audience, speaker)
    finally:
        await process.stop(30)


# ── both ─────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def _watched(variant: str, port: int) -> AsyncIterator[None]:
    if variant != METRICS:
        yield
        return
    async with scraped([port]) as sizes:
        yield
    if not any(sizes):
        raise ParleyError("no metrics came")


def _told(found: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {values[-1]:.4f} ms" for name, values in found.items())


def _more(found: dict[str, list[float]], variant: str) -> float:
    """Percent by which a variant costs more than none, in the median of the rounds."""
    pairs = zip(found[variant], found[WITHOUT], strict=True)
    return (median(one / without for one, without in pairs) - 1) * 100


def _goals(result: dict[str, Any]) -> list[Goal]:
    return [
        Goal(
            f"{variant} at most {most:g} % of a message at the {part}",
            _more(result[part], variant) <= most,
            f"{_more(result[part], variant):+.1f} %",
        )
        for part in ("worker", "edge")
        for variant, most in _GOALS.items()
    ]


def _report(result: dict[str, Any]) -> str:
    rows = []
    for part in ("worker", "edge"):
        found = result[part]
        least, most = min(found[WITHOUT]), max(found[WITHOUT])
        rows.append(
            (
                part,
                f"{median(found[WITHOUT]):.4f}",
                f"{least:.4f} to {most:.4f}",
                *(f"{_more(found, variant):+.1f} %" for variant in _GOALS),
            )
        )
    head = ("processor, ms a message", WITHOUT, "in its turns", *_GOALS)
    return f"{table(head, rows)}\n\nTraced: {result['share_traced']:.0%} of the messages"


if __name__ == "__main__":
    main()
