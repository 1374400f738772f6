"""What a core of a worker and of an edge carries, and what a message and a stream take.

The figures from which docs/deploy.md calculates sizes, in one run of about two minutes. First a
worker on a core of its own, with Kafka, Valkey and the load on the others; then an edge with idle
streams, which then get messages. What a core carries is calculated from the processor time that was
taken, so other work on the machine matters little. The goals are the figures of docs/deploy.md:
where one is missed, calculate with the figure of your machine instead.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click
import uvloop
from redis import asyncio as aioredis

from app.errors import ParleyError
from app.settings import Settings
from app.topics import LOG
from bench.audience import Audience
from bench.crowd import Crowd
from bench.figures import Goal, judge, keep, table
from bench.rounds import Load, one_round, opened
from bench.running import Running, running
from bench.speaker import Speaker
from bench.spent import Spent, memory_mib
from bench.stage import stage

_ROOMS: Final = 200
_MEMBERS: Final = 5

#: Sends a second while nobody reads, and while the streams do; seconds of each.
_SENDS: Final = 200.0
_SAID: Final = 20.0
_SECONDS: Final = 8.0
_GRACE: Final = 10.0

#: The figures of docs/deploy.md.
WORKER_RATE: Final = 2000
DELIVERIES: Final = 25_000
STREAM_KIB: Final = 8.0
SEND_MS: Final = 1.5
KAFKA_BYTES: Final = 1500
LOG_BYTES: Final = 500
VALKEY_BYTES: Final = 500
STORE_BYTES: Final = 1500


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=10_000, show_default=True, help="Messages for the worker.")
@click.option("--streams", default=2000, show_default=True, help="Streams, each another person's.")
def main(messages: int, streams: int) -> None:
    """Run and report."""
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            worker = uvloop.run(of_worker(Path(folder) / "worker", messages))
            edge = uvloop.run(of_edge(Path(folder) / "edge", streams))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    result: dict[str, Any] = {"messages": messages, "streams": streams, **worker, **edge}
    goals = goals_of(result)
    result["goals"] = [goal._asdict() for goal in goals]
    path = keep("sizes", result)
    click.echo(f"\n{_report(result)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def of_worker(folder: Path, messages: int) -> dict[str, float]:
    """One worker: messages a second, and what a message leaves in Kafka, Valkey and the store."""
    click.echo(f"{messages:,} messages through one worker")
    crowd = Crowd(_ROOMS, _MEMBERS)
    load = Load(messages, _ROOMS, _MEMBERS, rounds=1, workers=1)
    async with stage(folder) as there:
        await opened(there, crowd)
        before = await _kept(there.settings)
        round_ = await one_round(there, crowd, load, 0)
        after = await _kept(there.settings)
    # The words that warm the rooms up are messages, too.
    said = messages + _ROOMS
    return {
        "worker_per_core": round(1000 / round_["cpu_ms"]),
        "archived_per_second": round(round_["archived_per_second"]),
        **{f"{name}_bytes": round((after[name] - before[name]) / said) for name in before},
    }


async def _kept(settings: Settings) -> dict[str, int]:
    """Bytes in Kafka's segments, in Valkey's memory and in the history store."""
    async with aioredis.from_url(settings.redis) as redis:
        valkey = (await redis.info("memory"))["used_memory"]
    kafka = settings.data / "kafka"
    return {
        "kafka": _size(kafka.glob("**/*-*/*.log")),
        "log": _size(kafka.glob(f"**/{LOG}-*/*.log")),
        "valkey": int(valkey),
        "store": _size(settings.data.glob("history.db*")),
    }


def _size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)


async def of_edge(folder: Path, streams: int) -> dict[str, float]:
    """One edge: the memory of a stream, and the processor time of sends and deliveries."""
    click.echo("Starting Kafka, Valkey, a worker and an edge")
    async with running(folder, connections=0, streams=streams) as parley:
        settings = parley.settings
        quiet, _ = await _spoken(parley, Audience(settings, 1, 0), _SENDS)
        audience = Audience(settings, max(1, streams // 100), streams)
        click.echo(f"Opening {streams:,} streams in {len(audience.rooms)} rooms")
        edge = parley.children["edge"].pid
        before = memory_mib(edge)
        await audience.gather()
        grown = memory_mib(edge) - before
        heard, count = await _spoken(parley, audience, _SAID)
        worker = memory_mib(parley.children["worker"].pid)
    deliveries = len(audience.delays)
    sends_took = quiet * count / (_SENDS * _SECONDS)
    faults = audience.faults(count)
    return {
        "edge_mib": round(before),
        "worker_mib": round(worker),
        "stream_kib": round(grown * 1024 / streams, 1),
        "send_cpu_ms": round(quiet * 1000 / (_SENDS * _SECONDS), 3),
        "deliveries": deliveries,
        "deliveries_per_core": round(deliveries / max(heard - sends_took, 0.01)),
        **faults,
    }


async def _spoken(parley: Running, audience: Audience, rate: float) -> tuple[float, int]:
    """The edge's processor seconds for so many messages at this rate, and how many they were."""
    if not audience.seats:
        await audience.gather()
    speaker = Speaker(parley.settings, audience.rooms)
    await speaker.connect()
    spent = Spent({"edge": parley.children["edge"].pid})
    count = round(rate * _SECONDS)
    click.echo(f"{count:,} messages, {rate:g} a second, to {len(audience.seats):,} streams")
    await speaker.speak(0, count, rate)
    await speaker.answered(count, _GRACE)
    await audience.complete(count, _GRACE)
    taken, _ = spent.so_far()
    return taken["edge"], count


def goals_of(result: dict[str, Any]) -> list[Goal]:
    """What docs/deploy.md calculates with holds here."""

    def at_least(what: str, name: str, least: float) -> Goal:
        return Goal(f"{what}: at least {least:,}", result[name] >= least, f"{result[name]:,}")

    def at_most(what: str, name: str, most: float) -> Goal:
        return Goal(f"{what}: at most {most:,}", result[name] <= most, f"{result[name]:,}")

    faults = {name: result[name] for name in ("lost", "doubled", "disordered")}
    said = ", ".join(f"{value} {name}" for name, value in faults.items())
    return [
        at_least("messages a second of a worker's core", "worker_per_core", WORKER_RATE),
        at_least("deliveries a second of an edge's core", "deliveries_per_core", DELIVERIES),
        at_most("processor ms of an edge for a send", "send_cpu_ms", SEND_MS),
        at_most("KiB of an edge for a stream", "stream_kib", STREAM_KIB),
        at_most("bytes of Kafka for a message", "kafka_bytes", KAFKA_BYTES),
        at_most("of them for good, in `chat.log`", "log_bytes", LOG_BYTES),
        at_most("bytes of Valkey for a message of a window", "valkey_bytes", VALKEY_BYTES),
        at_most("bytes of the history store for a message", "store_bytes", STORE_BYTES),
        Goal("nothing lost, doubled or out of order", not any(faults.values()), said),
    ]


def _report(result: dict[str, Any]) -> str:
    rows = [
        ("messages a second of a worker's core", f"{result['worker_per_core']:,}"),
        ("the same in this run, with Kafka beside it", f"{result['archived_per_second']:,}"),
        ("processor ms of an edge for a send", result["send_cpu_ms"]),
        ("deliveries a second of an edge's core", f"{result['deliveries_per_core']:,}"),
        ("KiB of an edge for a stream", result["stream_kib"]),
        ("MiB of an edge without streams", result["edge_mib"]),
        ("MiB of a worker with small tables", result["worker_mib"]),
        ("bytes of Kafka for a message, one copy", f"{result['kafka_bytes']:,}"),
        ("of them for good, in `chat.log`", f"{result['log_bytes']:,}"),
        ("bytes of Valkey for a message of a window", f"{result['valkey_bytes']:,}"),
        ("bytes of the history store for a message", f"{result['store_bytes']:,}"),
    ]
    return table(("", "measured"), rows)


if __name__ == "__main__":
    main()
