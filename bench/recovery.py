"""The seconds until a worker does its work, by the size of its tables.

From its start to the publish of a message that waits in each of 100 rooms, on every partition.

With empty tables; with a million keys in a changelog and nothing on its disk; with the same on its
disk; and with a last part missing there, as after a move of a partition back and forth.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from app.domain.records import Member
from app.domain.versioned_value import wrap
from app.errors import ParleyError
from bench.crowd import Crowd, Pair, write, write_pairs
from bench.figures import Goal, judge, keep, table
from bench.stage import Stage, reach, stage

_CROWD = Crowd(rooms=100, members=1)
_PATIENCE = 240.0
_CHANGELOG = "parley-pipeline-members-changelog"


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--keys", default=1_000_000, show_default=True, help="Keys of the table `members`.")
def main(keys: int) -> None:
    """Run and report."""
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(keys, Path(folder)))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = _goals(keys, result)
    told = {"keys": keys, "seconds": result, "goals": [goal._asdict() for goal in goals]}
    path = keep("recovery", told)
    rows = [(name, seconds) for name, seconds in result.items()]
    report = table(("until every partition does its work", "seconds"), rows)
    click.echo(f"\n{report}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(keys: int, folder: Path) -> dict[str, float]:
    async with stage(folder) as there:
        async with there.workers(1) as workers:
            opened = await write(there.settings, _CROWD.opening())
            await there.through(opened, workers, _PATIENCE)
        empty = await _started(there, "empty")
        click.echo(f"Writing {keys:,} keys")
        await _write(there, 0, keys)
        shutil.rmtree(there.settings.data / "workers")
        cold = await _started(there, "cold")
        warm = await _started(there, "warm")
        await _write(there, keys, keys // 20)
        behind = await _started(there, "behind")
        return {"empty": empty, "cold": cold, "warm": warm, "warm, a twentieth behind": behind}


async def _started(there: Stage, word: str) -> float:
    base = await there.published()
    waiting = replace(_CROWD, word=word).saying([word], 0, _CROWD.rooms)
    base += await write(there.settings, waiting)
    began = time.monotonic()
    async with there.workers(1) as workers:
        return round(await reach(there.published, base, workers, _PATIENCE) - began, 2)


async def _write(there: Stage, start: int, count: int) -> None:
    await write_pairs(there.settings, _CHANGELOG, _members(start, count, there.settings.partitions))


def _members(start: int, count: int, partitions: int) -> Iterator[Pair]:
    value = wrap(1, msgspec.msgpack.encode(Member("member", 1)))
    for index in range(start, start + count):
        yield index % partitions, f"room-{index % 1000}/person-{index}".encode(), value


def _goals(keys: int, result: dict[str, Any]) -> list[Goal]:
    rate = keys / max(0.01, result["cold"] - result["empty"])
    return [
        Goal("at least 50,000 keys a second from Kafka", rate >= 50_000, f"{rate:,.0f}"),
        Goal("warm in less than 10 s", result["warm"] < 10, f"{result['warm']} s"),
    ]


if __name__ == "__main__":
    main()
