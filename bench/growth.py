"""The cost of a message for a worker as rooms, members and the log grow: it should not rise.

Each of them is small first and large then, on a Kafka and a Valkey of its own; nothing else
changes. What counts is the processor's time for each message: it says the same on a busy machine.
The long log is written straight into Kafka (bench/long_log.py).
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click
import uvloop

from app.errors import ParleyError
from bench.crowd import Crowd
from bench.figures import Goal, judge, keep, table
from bench.long_log import lengthened
from bench.rounds import Load, one_round, opened
from bench.stage import stage

#: The difference between repeated rounds of one size.
_NOISE = 1.25
_GROWS = ("rooms", "members", "log")


class Scene(NamedTuple):
    """The size before messages are sent: rooms, members of each, events in the log."""

    name: str
    rooms: int
    members: int
    said: int = 0


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=10_000, show_default=True, help="Messages of each round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds, of which the median counts.")
@click.option("--rooms", default=100_000, show_default=True, help="Rooms where there are many.")
@click.option("--members", default=5_000, show_default=True, help="Members where there are many.")
@click.option("--events", default=1_000_000, show_default=True, help="Events of the long log.")
@click.option("--only", type=click.Choice(_GROWS), help="What grows; by default each in turn.")
@click.option("--limit", default=900.0, show_default=True, help="Seconds; later scenes are left.")
def main(
    messages: int,
    rounds: int,
    rooms: int,
    members: int,
    events: int,
    only: str | None,
    limit: float,
) -> None:
    """Run and report."""
    pairs = {
        "rooms": (Scene("10 rooms", 10, 5), Scene(f"{rooms:,} rooms", rooms, 1)),
        "members": (Scene("rooms of 5", 8, 5), Scene(f"rooms of {members:,}", 8, members)),
        "log": (
            Scene("an empty log", 200, 5),
            Scene(f"a log of {events:,} events", 200, 5, events),
        ),
    }
    deadline = time.monotonic() + limit
    results: dict[str, dict[str, float]] = {}
    try:
        for small, large in [pair for name, pair in pairs.items() if only in (None, name)]:
            if time.monotonic() > deadline:
                click.echo(f"no time left for {large.name}")
                continue
            for scene in (small, large):
                results[scene.name] = _measured(scene, messages, rounds)
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    _tell(results)


def _tell(results: dict[str, dict[str, float]]) -> None:
    goals = _goals(results)
    told = {"scenes": results, "goals": [goal._asdict() for goal in goals]}
    path = keep("growth", told)
    rows = [
        (name, round(one["cpu_ms"] * 1000), f"{one['per_second']:,.0f}")
        for name, one in results.items()
    ]
    report = table(("", "µs of the worker a message", "messages a second"), rows)
    click.echo(f"\n{report}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


def _measured(scene: Scene, messages: int, rounds: int) -> dict[str, float]:
    click.echo(f"{scene.name}: {rounds} rounds of {messages:,} messages")
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        found = uvloop.run(_run(scene, messages, rounds, Path(folder)))
    click.echo(f"  {found['cpu_ms'] * 1000:.0f} µs of the worker a message")
    return found


async def _run(scene: Scene, messages: int, rounds: int, folder: Path) -> dict[str, float]:
    crowd = Crowd(scene.rooms, scene.members)
    load = Load(messages, scene.rooms, scene.members, rounds, 1)
    async with stage(folder) as there:
        await opened(there, crowd)
        if scene.said:
            there = await lengthened(there, scene.said)
        found = [await one_round(there, crowd, load, number) for number in range(rounds)]
    return {name: round(median(one[name] for one in found), 4) for name in found[0]}


def _goals(results: dict[str, Any]) -> list[Goal]:
    names = list(results)
    goals = []
    for small, large in zip(names[::2], names[1::2], strict=True):
        times = results[large]["cpu_ms"] / results[small]["cpu_ms"]
        what = f"{large} at most {_NOISE} times {small}"
        goals.append(Goal(what, times <= _NOISE, f"{times:.2f} times"))
    return goals


if __name__ == "__main__":
    main()
