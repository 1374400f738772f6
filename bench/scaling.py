"""Whether a second worker on a second core doubles the throughput.

A machine of one core, which everything shares, Kafka, Valkey and the load included, and one of two
cores with two workers: so what the workers gain is not what Kafka loses.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median

import click

from bench.cores import ALL
from bench.crowd import Crowd
from bench.rounds import Load, one_round, opened
from bench.stage import stage

#: Rounds on each machine, in each of its turns: a broker is slower in its first.
_ROUNDS = 2


async def scaled(load: Load, folder: Path) -> dict[str, float]:
    """Messages a second with one worker on one core, with two on two, and how many times that is.

    And what a message takes of all workers' processor, in milliseconds. In turns, `load.rounds` of
    them but two at most. Empty where there are no two cores.
    """
    if len(ALL) < 2:
        return {}
    rounds: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for turn in range(min(load.rounds, 2)):
        for count, of_it in rounds.items():
            of_it += await _machine(load, count, folder / f"machine-{turn}-{count}")
            click.echo(f"{count} of {count} cores: {of_it[-1]['per_second']:,.0f}/s")
    one, two = (median(each["per_second"] for each in of_it) for of_it in rounds.values())
    cpu_one, cpu_two = (median(each["cpu_ms"] for each in of_it) for of_it in rounds.values())
    return {
        "one": round(one),
        "two": round(two),
        "times": round(two / one, 2),
        "cpu_ms_one": round(cpu_one, 3),
        "cpu_ms_two": round(cpu_two, 3),
    }


async def _machine(load: Load, count: int, folder: Path) -> list[dict[str, float]]:
    """Rounds with that many cores and workers."""
    crowd = Crowd(load.rooms, load.members)
    cores = frozenset(ALL[:count])
    async with stage(folder, cores) as there:
        await opened(there, crowd)
        both = replace(load, workers=count)
        return [await one_round(there, crowd, both, number) for number in range(_ROUNDS)]
