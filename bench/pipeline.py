"""How many messages a second one worker brings from `chat.raw` to Valkey, and at what cost.

One worker with all its consumer groups on a core of its own; Kafka, Valkey and the load on the
others. The records are there beforehand. Beside it, in the same run and in turns: a bare loop with
aiokafka, three times over, as the ceiling, and Faust as its manual shows it, as the floor. Then a
machine of one core with one worker, and of two cores with two. Last the whole way, with an edge and
500 streams, on all cores.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

import click
import uvloop

from app.errors import ParleyError
from app.kafka.admin import provision
from app.topics import Topic
from bench.corpus import texts
from bench.crowd import Crowd, write
from bench.figures import Goal, judge, keep, quantiles, table
from bench.latency import Load as WholeLoad
from bench.latency import goals_of, whole_way
from bench.pace import paced
from bench.rounds import PATIENCE, Load, one_round, opened, warm
from bench.scaling import scaled
from bench.stage import Stage, reach, stage

#: Rounds of the others are shorter: enough for a figure.
_NAIVE_SHARE = 8
_PACED_SECONDS = 12.0
_WHOLE = WholeLoad(readers=500, rooms=10, rate=100.0, seconds=20.0, warmup=5.0)


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=20_000, show_default=True, help="Messages of each round.")
@click.option("--rooms", default=200, show_default=True, help="Rooms that they go to in turns.")
@click.option("--members", default=5, show_default=True, help="Members of each room.")
@click.option("--rounds", default=3, show_default=True, help="Rounds, of which the median counts.")
@click.option("--workers", default=1, show_default=True, help="Two: one on each core, with Kafka.")
@click.option("--alone", is_flag=True, help="Without the ceiling, the floor, and the delays.")
def main(messages: int, rooms: int, members: int, rounds: int, workers: int, alone: bool) -> None:
    """Run and report."""
    load = Load(messages, rooms, members, rounds, workers)
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(load, Path(folder) / "pipeline", alone))
            if not alone:
                result["two_workers"] = uvloop.run(scaled(load, Path(folder)))
                result["whole_way"] = uvloop.run(whole_way(_WHOLE, Path(folder) / "whole"))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = [] if alone else _goals(result)
    result["goals"] = [goal._asdict() for goal in goals]
    path = keep("pipeline", result)
    click.echo(f"\n{_report(result)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(load: Load, folder: Path, alone: bool) -> dict[str, Any]:
    crowd = Crowd(load.rooms, load.members)
    rates: dict[str, list[float]] = {"parley": [], "bare": [], "naive": []}
    rounds: list[dict[str, float]] = []
    async with stage(folder) as there:
        await opened(there, crowd)
        for number in range(load.rounds):
            rounds.append(await one_round(there, crowd, load, number))
            rates["parley"].append(rounds[-1]["per_second"])
            if not alone:
                rates["bare"].append(await _bare(there, crowd, load.messages, number))
                naive = load.messages // _NAIVE_SHARE
                rates["naive"].append(await _naive(there, crowd, naive, number))
            click.echo(f"round {number + 1}: " + _told({k: v[-1] for k, v in rates.items() if v}))
        middle = {name: median(one[name] for one in rounds) for name in rounds[0]}
        delays = {} if alone else await _paced(there, crowd, middle["per_second"] / 4)
    return {
        "load": asdict(load),
        "per_second": {name: round(median(values)) for name, values in rates.items() if values},
        "rounds": {name: [round(v) for v in values] for name, values in rates.items() if values},
        "cpu_ms_per_message": round(middle["cpu_ms"], 3),
        "archived_per_second": round(middle["archived_per_second"]),
        "delay_ms_at_a_quarter": delays,
    }


async def _paced(there: Stage, crowd: Crowd, rate: float) -> dict[str, float]:
    """How long messages take at a rate; the first seconds of it are not counted."""
    click.echo(f"{rate:,.0f}/s for {_PACED_SECONDS:g} s")
    async with there.workers(1) as workers:
        await warm(there, crowd, workers, "pace-warm")
        await paced(there, replace(crowd, word="pace-first"), workers[0], rate, 3.0)
        pace = replace(crowd, word="pace")
        return quantiles(await paced(there, pace, workers[0], rate, _PACED_SECONDS))


async def _bare(there: Stage, crowd: Crowd, count: int, number: int) -> float:
    topics = [f"bare-{number}.{name}" for name in ("raw", "moderated", "log", "published")]
    await provision(there.settings, [Topic(name) for name in topics])
    await write(there.settings, crowd.saying(texts(), 0, count), topics[0])
    program = there.program("bench.bare", there.settings.bootstrap[0], str(count), *topics)
    if await program.run(within=PATIENCE) != 0:
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
        began = await reach(there.publishes, before + 1, [program], PATIENCE)
        ended = await reach(there.publishes, before + count, [program], PATIENCE)
    finally:
        program.kill()
    return count / (ended - began)


def _goals(result: dict[str, Any]) -> list[Goal]:
    rates = result["per_second"]
    ceiling, floor = rates["parley"] / rates["bare"], rates["parley"] / rates["naive"]
    delay = result["delay_ms_at_a_quarter"]
    return [
        Goal("at least 0.5 of the bare aiokafka loop", ceiling >= 0.5, f"{ceiling:.2f}"),
        Goal("at least 5 times naive Faust", floor >= 5, f"{floor:.1f}"),
        Goal("two workers on two cores at least 1.7 times one on one", *_twice(result)),
        Goal("p50 at most 15 ms at a quarter", delay["p50"] <= 15, f"{delay['p50']} ms"),
        Goal("p99 at most 60 ms at a quarter", delay["p99"] <= 60, f"{delay['p99']} ms"),
        *goals_of(result["whole_way"]),
    ]


def _twice(result: dict[str, Any]) -> tuple[bool, str]:
    times = result["two_workers"].get("times")
    return (
        (False, "not measured: there is one core") if times is None else (times >= 1.7, f"{times}")
    )


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
            f"messages a second of one worker with one core for everything, of two workers with"
            f" two: {result.get('two_workers')}",
            f"milliseconds to Valkey at a quarter of that: {result['delay_ms_at_a_quarter']}",
            f"milliseconds from POST to receipt: {result.get('whole_way', {}).get('receipt_ms')}",
        )
    )


if __name__ == "__main__":
    main()
