"""The cost of rooms: a message in rooms of any size, a sync of many rooms, a verification.

Starts a Parley of its own. First it sends to rooms with few and with many members, none of whom is
online but the sender, in turns, and says what a message takes of the worker's processor and how
many records it writes. Then somebody in many rooms asks for a snapshot. Last, the log is filled up
and `parley verify` counts all of it anew.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import uvloop

from app.errors import ParleyError
from app.local.demo_room import address
from app.operations.edge_client import EdgeClient
from bench.cost import Cost, measure, opened
from bench.figures import Goal, judge, keep, table
from bench.running import running
from bench.snapshot import snapshots
from bench.verifying import fill, verification

SIZES = (5, 500, 5000)
#: A message to the largest room may take this much more of the worker than one to the smallest:
#: the difference between repeated runs of one size.
_NOISE = 1.25


@dataclass(frozen=True)
class Load:
    """The load for Parley."""

    messages: int
    rounds: int
    rooms: int
    events: int


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=500, show_default=True, help="To one room, each time.")
@click.option("--rounds", default=3, show_default=True, help="Times that each size is measured.")
@click.option("--rooms", default=1000, show_default=True, help="Rooms of who asks for a sync.")
@click.option("--events", default=100_000, show_default=True, help="In the log to be verified.")
def main(messages: int, rounds: int, rooms: int, events: int) -> None:
    """Run and report."""
    load = Load(messages, rounds, rooms, events)
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            costs, others = uvloop.run(_run(load, Path(folder)))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = _goals(costs, others)
    result = {
        "load": load.__dict__,
        "cost": {str(size): cost._asdict() for size, cost in costs.items()},
        **others,
        "goals": [goal._asdict() for goal in goals],
    }
    path = keep("rooms", result)
    report = f"{_report(costs, others)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}"
    click.echo(report)


async def _run(load: Load, folder: Path) -> tuple[dict[int, Cost], dict[str, Any]]:
    click.echo("Starting Kafka, Valkey, a worker and an edge")
    async with (
        running(folder) as parley,
        EdgeClient(parley.settings, address(parley.settings)) as posting,
    ):
        click.echo(f"Opening rooms of {', '.join(map(str, SIZES))} members")
        names = {size: await opened(posting, size) for size in SIZES}
        taken: dict[int, list[Cost]] = {size: [] for size in SIZES}
        for turn in range(load.rounds):
            for size, room in names.items():
                cost = await measure(parley, posting, room, load.messages, f"turn-{turn}")
                taken[size].append(cost)
                click.echo(f"  {load.messages} messages to {size} members: {cost.cpu_ms} ms each")
        click.echo(f"Opening {load.rooms} rooms for one person")
        sync = await snapshots(posting, parley.settings, load.rooms)
        click.echo(f"Filling the log up to {load.events} events")
        await fill(posting, parley.settings, load.events)
        click.echo("Verifying")
        verified = await asyncio.to_thread(verification, parley.settings)
        costs = {size: sorted(each)[len(each) // 2] for size, each in taken.items()}
        return costs, {"sync": sync, "verify": verified}


def _goals(costs: dict[int, Cost], others: dict[str, Any]) -> list[Goal]:
    few, many = costs[SIZES[0]], costs[SIZES[-1]]
    ratio = many.cpu_ms / few.cpu_ms
    records = many.records / few.records
    verdict = others["verify"]["verdict"]
    return [
        Goal(
            f"a message to {SIZES[-1]} members takes at most {_NOISE} x of one to {SIZES[0]}",
            ratio <= _NOISE,
            f"{ratio:.2f} x",
        ),
        Goal("and writes at most 1.1 x as many records", records <= 1.1, f"{records:.2f} x"),
        Goal("parley verify agrees", verdict.endswith("all agree"), verdict),
    ]


def _report(costs: dict[int, Cost], others: dict[str, Any]) -> str:
    topics = sorted({topic for cost in costs.values() for topic in cost.topics})
    rows = [
        ("worker, ms of processor", *(cost.cpu_ms for cost in costs.values())),
        ("records", *(cost.records for cost in costs.values())),
        *((f"  {topic}", *(c.topics.get(topic, 0) for c in costs.values())) for topic in topics),
    ]
    sync, verified = others["sync"], others["verify"]
    return "\n" + "\n\n".join(
        [
            table(("a message to", *(f"{size} members" for size in costs)), rows),
            f"GET /v1/sync in {sync['rooms']} rooms: p50 {sync['ms']['p50']} ms,"
            f" p99 {sync['ms']['p99']} ms, {sync['bytes']} bytes",
            f"parley verify: {verified['seconds']} s, {verified['verdict']}",
        ]
    )


if __name__ == "__main__":
    main()
