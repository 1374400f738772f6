"""How long a message takes: from its POST to its 201, and to each reader's stream.

Starts a Parley of its own (Kafka, Valkey, a worker, an edge: a process each), fills rooms with
readers on Server-Sent Events, and sends at a steady rate. Times are taken by one clock in one
client process, which says by how much it was late itself.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import uvloop

from app.errors import ParleyError
from bench.audience import Audience
from bench.figures import Goal, judge, keep, quantiles, table
from bench.running import Running, running
from bench.speaker import Speaker
from bench.spent import Spent

_GRACE = 15.0


@dataclass(frozen=True)
class Load:
    """The load for Parley."""

    readers: int
    rooms: int
    rate: float
    seconds: float
    warmup: float


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--readers", default=100, show_default=True, help="Streams, each another person's.")
@click.option("--rooms", default=10, show_default=True, help="Rooms that they are dealt out to.")
@click.option("--rate", default=50.0, show_default=True, help="Messages a second, over all rooms.")
@click.option("--seconds", default=30.0, show_default=True, help="How long is measured.")
@click.option("--warmup", default=5.0, show_default=True, help="Seconds at the rate before that.")
def main(readers: int, rooms: int, rate: float, seconds: float, warmup: float) -> None:
    """Run and report."""
    load = Load(readers, rooms, rate, seconds, warmup)
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(whole_way(load, Path(folder)))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = goals_of(result)
    result["goals"] = [goal._asdict() for goal in goals]
    path = keep("latency", result)
    click.echo(f"{_report(result)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def whole_way(load: Load, folder: Path) -> dict[str, Any]:
    """The delays of a load in a Parley of its own, with its data in `folder`."""
    click.echo("Starting Kafka, Valkey, a worker and an edge")
    async with running(folder) as parley:
        click.echo(f"Opening {load.rooms} rooms and {load.readers} streams")
        audience = Audience(parley.settings, load.rooms, load.readers)
        await audience.gather()
        speaker = Speaker(parley.settings, audience.rooms)
        await speaker.connect()
        return await _measure(load, parley, audience, speaker)


async def _measure(
    load: Load, parley: Running, audience: Audience, speaker: Speaker
) -> dict[str, Any]:
    first = round(load.rate * load.warmup)
    count = first + round(load.rate * load.seconds)
    audience.measure_from = speaker.measure_from = first
    click.echo(f"Sending {load.rate:g} messages/s: {load.warmup:g} s unmeasured, then")
    await speaker.speak(0, first, load.rate)
    speaker.late = 0.0
    pids = {name: child.pid for name, child in parley.children.items()}
    spent = Spent({**pids, "this client": os.getpid()})
    click.echo(f"{load.seconds:g} s measured")
    await speaker.speak(first, count, load.rate)
    seconds, passed = spent.so_far()
    await speaker.answered(count, _GRACE)
    await audience.complete(count, _GRACE)
    return {
        "load": asdict(load),
        "messages": count - first,
        "deliveries": len(audience.delays),
        "receipt_ms": quantiles(audience.delays),
        "answered": len(speaker.delays),
        "answer_ms": quantiles(speaker.delays),
        "answers": {str(status): many for status, many in sorted(speaker.statuses.items())},
        "unanswered": count - speaker.statuses.total(),
        "client_late_ms": round(speaker.late * 1000, 2),
        **audience.faults(count),
        "cpu_ms_per_message": {
            name: round(taken * 1000 / (count - first), 3) for name, taken in seconds.items()
        },
        "cpu_share_of_a_core": {name: round(taken / passed, 3) for name, taken in seconds.items()},
    }


def goals_of(result: dict[str, Any]) -> list[Goal]:
    """The goals."""
    receipt = result["receipt_ms"]
    p50, p99 = (receipt.get(name, float("inf")) for name in ("p50", "p99"))
    faults = {name: result[name] for name in ("lost", "doubled", "disordered", "unanswered")}
    said = ", ".join(f"{value} {name}" for name, value in faults.items())
    return [
        Goal("POST to receipt, p50 at most 25 ms", p50 <= 25, f"{p50} ms"),
        Goal("POST to receipt, p99 at most 100 ms", p99 <= 100, f"{p99} ms"),
        Goal("nothing lost, doubled or out of order", not any(faults.values()), said),
    ]


def _report(result: dict[str, Any]) -> str:
    columns = ("p50", "p90", "p99", "max")
    rows = [
        (title, *(result[key].get(column, "-") for column in columns), count)
        for title, key, count in (
            ("POST to receipt by a stream", "receipt_ms", result["deliveries"]),
            ("POST to its answer", "answer_ms", result["answered"]),
        )
    ]
    shares = result["cpu_share_of_a_core"]
    cpu = [
        (name, value, f"{shares[name]:.1%}") for name, value in result["cpu_ms_per_message"].items()
    ]
    parts = [
        table(("milliseconds", *columns, "count"), rows),
        f"answers by status, warm-up included: {result['answers']};"
        f" the client was late by {result['client_late_ms']} ms at most",
        table(("processor", "ms a message", "of a core"), cpu),
    ]
    return "\n" + "\n\n".join(parts)


if __name__ == "__main__":
    main()
