"""How many messages a second one worker brings from `chat.raw` to Valkey, and at what cost.

One worker with all its consumer groups on a core of its own; Kafka, Valkey and the load on the
others. The records are there beforehand. Beside it, in the same run and in turns: a bare loop with
aiokafka, three times over, as the ceiling, and Faust as its manual shows it, as the floor.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import uvloop

from app.errors import ParleyError
from app.provision import provision
from app.topics import Topic
from bench.corpus import texts
from bench.crowd import Crowd, write
from bench.figures import Goal, judge, keep, table
from bench.spent import Spent
from bench.stage import Placed, Stage, held, reach, stage

_PATIENCE = 120.0
#: Rounds of the others are shorter: enough for a figure.
_NAIVE_SHARE = 8


@dataclass(frozen=True)
class Load:
    """What is asked of the pipeline."""

    messages: int
    rooms: int
    members: int
    rounds: int


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=20_000, show_default=True, help="Messages of each round.")
@click.option("--rooms", default=200, show_default=True, help="Rooms that they go to in turns.")
@click.option("--members", default=5, show_default=True, help="Members of each room.")
@click.option("--rounds", default=3, show_default=True, help="Rounds, of which the median counts.")
@click.option("--alone", is_flag=True, help="Without the ceiling and the floor.")
def main(messages: int, rooms: int, members: int, rounds: int, alone: bool) -> None:
    """Run and report."""
    load = Load(messages, rooms, members, rounds)
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(load, Path(folder), alone))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = [] if alone else _goals(result)
    result["goals"] = [goal._asdict() for goal in goals]
    path = keep("pipeline", result)
    click.echo(f"\n{_report(result)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(load: Load, folder: Path, alone: bool) -> dict[str, Any]:
    crowd = Crowd(load.rooms, load.members)
    rates: dict[str, list[float]] = {"parley": [], "bare": [], "naive": []}
    costs: list[float] = []
    archived: list[float] = []
    async with stage(folder) as there:
        await _open(there, crowd)
        for number in range(load.rounds):
            one = await one_round(there, crowd, load.messages, number)
            rates["parley"].append(one["per_second"])
            costs.append(one["cpu_ms"])
            archived.append(one["archived_per_second"])
            if not alone:
                rates["bare"].append(await _bare(there, crowd, load.messages, number))
                naive = load.messages // _NAIVE_SHARE
                rates["naive"].append(await _naive(there, crowd, naive, number))
            click.echo(f"round {number + 1}: " + _told({k: v[-1] for k, v in rates.items() if v}))
    return {
        "load": load.__dict__,
        "per_second": {name: round(median(values)) for name, values in rates.items() if values},
        "rounds": {name: [round(v) for v in values] for name, values in rates.items() if values},
        "cpu_ms_per_message": round(median(costs), 3),
        "archived_per_second": round(median(archived)),
    }


async def _open(there: Stage, crowd: Crowd) -> None:
    """Open the rooms, which is no part of what is measured."""
    worker = there.worker("opening")
    worker.start()
    try:
        opened = await write(there.settings, crowd.opening())
        await reach(there.published, opened, worker, _PATIENCE)
        await reach(there.archived, opened, worker, _PATIENCE, every=0.1)
    finally:
        await worker.stop(30)


async def one_round(there: Stage, crowd: Crowd, count: int, number: int) -> dict[str, float]:
    """One round of Parley: messages a second, and milliseconds of processor for each.

    The clock runs from the moment at which the worker, warm and held, may go on.
    """
    worker = there.worker("measured")
    worker.start()
    try:
        await worker.ready()
        base = await _warm(there, crowd, worker, number)
        async with held([worker]):
            await write(there.settings, crowd.saying(texts(), number * count, count))
        spent, began = Spent({"worker": worker.pid}), time.monotonic()
        ended = await reach(there.published, base + count, worker, _PATIENCE)
        kept = await reach(there.archived, base + count, worker, _PATIENCE, every=0.05)
        seconds, _ = spent.so_far()
    finally:
        await worker.stop(30)
    return {
        "per_second": count / (ended - began),
        "archived_per_second": count / (kept - began),
        "cpu_ms": seconds.get("worker", 0.0) * 1000 / count,
    }


async def _warm(there: Stage, crowd: Crowd, worker: Placed, number: int) -> int:
    """Have the worker say a word in every room; how many events there are then."""
    base = await there.published()
    warming = Crowd(crowd.rooms, crowd.members, word=f"warm-{number}")
    base += await write(there.settings, warming.saying(["warm"], 0, crowd.rooms))
    await reach(there.published, base, worker, _PATIENCE)
    await reach(there.archived, base, worker, _PATIENCE, every=0.05)
    return base


async def _bare(there: Stage, crowd: Crowd, count: int, number: int) -> float:
    topics = [f"bare-{number}.{name}" for name in ("raw", "moderated", "log", "published")]
    await provision(there.settings, [Topic(name) for name in topics])
    await write(there.settings, crowd.saying(texts(), 0, count), topics[0])
    program = there.program("bench.bare", there.settings.bootstrap[0], str(count), *topics)
    if await program.run(within=_PATIENCE) != 0:
        raise ParleyError(f"the bare loop failed:\n{program.tail()}")
    return float(program.tail(1))


async def _naive(there: Stage, crowd: Crowd, count: int, number: int) -> float:
    prefix = f"naive-{number}"
    await provision(
        there.settings, [Topic(f"{prefix}.{name}") for name in ("raw", "moderated", "log")]
    )
    await write(there.settings, crowd.saying(texts(), 0, count), f"{prefix}.raw")
    folder = there.settings.data / prefix
    settings = there.settings
    program = there.program("bench.naive", settings.broker, settings.redis, str(folder), prefix)
    before = await there.publishes()
    program.start()
    try:
        began = await reach(there.publishes, before + 1, program, _PATIENCE)
        ended = await reach(there.publishes, before + count, program, _PATIENCE)
    finally:
        program.kill()
    return count / (ended - began)


def _goals(result: dict[str, Any]) -> list[Goal]:
    rates = result["per_second"]
    ceiling, floor = rates["parley"] / rates["bare"], rates["parley"] / rates["naive"]
    return [
        Goal("at least 0.5 of the bare aiokafka loop", ceiling >= 0.5, f"{ceiling:.2f}"),
        Goal("at least 5 times naive Faust", floor >= 5, f"{floor:.1f}"),
    ]


def _told(rates: dict[str, float]) -> str:
    return ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())


def _report(result: dict[str, Any]) -> str:
    rounds = result["rounds"]
    rows = [
        (name, f"{rate:,}", f"{min(rounds[name]):,}", f"{max(rounds[name]):,}")
        for name, rate in result["per_second"].items()
    ]
    return "\n".join(
        (
            table(("messages a second", "median", "least", "most"), rows),
            f"in the history store: {result['archived_per_second']:,} a second;"
            f" the worker's processor: {result['cpu_ms_per_message']} ms a message",
        )
    )


if __name__ == "__main__":
    main()
