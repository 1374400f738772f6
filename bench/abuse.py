"""What one abuser at full speed does to the others, in each of ten ways.

Starts a Parley of its own with its default limits. Sixty people in ten rooms send at a steady rate.
First they are alone, then beside one person who does one thing as fast as 32 connections (or 2,000)
from another address let them. Goals: the p99 of the others' answers at most doubles, none of them
is refused, and the memory of edge and Valkey stays bounded.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import uvloop

from app.errors import ParleyError
from app.local.demo_room import address
from app.operations.edge_client import EdgeClient
from app.settings import Settings
from bench.abuser import LONG, ROOMS, WAYS, abuser_of
from bench.figures import Goal, judge, keep, quantiles, table
from bench.running import Running, running
from bench.speaker import Speaker
from bench.spent import Spent, memory_mib

#: The defaults, which `running` would raise.
_DEFAULTS: Final = {name: getattr(Settings, name) for name in ("limits", "connections", "polls")}

_PEOPLE: Final = [f"person-{number}" for number in range(60)]
_TALKS: Final = [f"talk-{number}" for number in range(10)]

#: Messages in each of the abusers' rooms: 12 MB in all.
_FILLED: Final = 100

#: Seconds for the answers behind the last message, and between two ways.
_GRACE: Final = 5.0
_PAUSE: Final = 1.0

#: MiB by which the memory of edge and Valkey may grow in one way.
_GROWTH: Final = 64.0

#: Milliseconds below which no p99 counts as doubled: the steps in which the machine measures.
_FLOOR: Final = 10.0


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=50.0, show_default=True, help="Messages of the others a second.")
@click.option("--seconds", default=6.0, show_default=True, help="How long each way is measured.")
@click.option(
    "--way", "ways", multiple=True, type=click.Choice(list(WAYS)), help="One way; repeatable."
)
@click.option("--unlimited", is_flag=True, help="Without limits: what they are for.")
def main(rate: float, seconds: float, ways: Sequence[str], unlimited: bool) -> None:
    """Run and report."""
    limits = {"limits": 0.0, "connections": 0, "polls": 100_000} if unlimited else _DEFAULTS
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(abuse(Path(folder), rate, seconds, ways or list(WAYS), limits))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = goals_of(result)
    result["goals"] = [goal._asdict() for goal in goals]
    path = keep("abuse", result)
    click.echo(f"{_report(result)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def abuse(
    folder: Path, rate: float, seconds: float, ways: Sequence[str], limits: dict[str, Any]
) -> dict[str, Any]:
    """The others' delays, alone and beside each way."""
    click.echo("Starting Kafka, Valkey, a worker and an edge")
    async with running(folder, **limits) as parley:
        click.echo(f"Opening {len(_TALKS) + len(ROOMS)} rooms, {len(ROOMS)} of them full")
        await _prepare(parley.settings)
        await _measure(parley, rate, 2.0)  # what is done once is done before
        quiet = [await _measure(parley, rate, seconds)]
        found = {}
        for way in ways:
            click.echo(f"{WAYS[way]}: {seconds:g} s")
            found[way] = await _beside(parley, way, rate, seconds)
            await asyncio.sleep(_PAUSE)
        quiet.append(await _measure(parley, rate, seconds))
    return {"rate": rate, "seconds": seconds, "limits": limits, "quiet": quiet, "ways": found}


async def _prepare(settings: Settings) -> None:
    async with EdgeClient(settings, address(settings)) as client:

        async def open_room(room: str, owner: str, members: Sequence[str]) -> None:
            await client.post("/v1/rooms", owner, {"room": room, "client_id": "open"})
            for user in members:
                body = {"user": user, "client_id": f"add-{user}"}
                await client.post(f"/v1/rooms/{room}/members", owner, body)

        async def fill(room: str) -> None:
            await open_room(room, "owner", [abuser_of(way) for way in WAYS])
            for number in range(_FILLED):
                body = {"text": LONG, "client_id": f"fill-{number}"}
                await client.post(f"/v1/rooms/{room}/messages", "owner", body)

        talks = [
            open_room(room, "owner", _PEOPLE[number :: len(_TALKS)])
            for number, room in enumerate(_TALKS)
        ]
        await asyncio.gather(*talks, *map(fill, ROOMS))


async def _beside(parley: Running, way: str, rate: float, seconds: float) -> dict[str, Any]:
    abuser = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.abuser", way),
        env={**os.environ, **parley.settings.environ()},
        stdout=asyncio.subprocess.PIPE,
    )
    assert abuser.stdout is not None
    try:
        await abuser.stdout.readline()
        found = await _measure(parley, rate, seconds)
    finally:
        if abuser.returncode is None:
            abuser.terminate()
        said, _ = await abuser.communicate()
    return found | {"abuser": json.loads(said)}


async def _measure(parley: Running, rate: float, seconds: float) -> dict[str, Any]:
    """The others' answers for so long, and what the processes took."""
    pids = {name: child.pid for name, child in parley.children.items()}
    before = {name: memory_mib(pids[name]) for name in ("edge", "valkey")}
    spent = Spent(pids)
    speaker = Speaker(parley.settings, _TALKS, _PEOPLE)
    await speaker.connect()
    messages = round(rate * seconds)
    await speaker.speak(0, messages, rate)
    await speaker.answered(messages, _GRACE)
    seconds_of, passed = spent.so_far()
    return {
        "answer_ms": quantiles(speaker.delays),
        "statuses": {str(status): many for status, many in sorted(speaker.statuses.items())},
        "unanswered": messages - speaker.statuses.total(),
        "cpu_share_of_a_core": {name: round(s / passed, 3) for name, s in seconds_of.items()},
        "grown_mib": {name: round(memory_mib(pids[name]) - before[name], 1) for name in before},
    }


def goals_of(result: dict[str, Any]) -> list[Goal]:
    """Two goals for each way."""
    quiet = max(one["answer_ms"].get("p99", 0.0) for one in result["quiet"])
    most = max(2 * quiet, _FLOOR)
    goals = []
    for way, one in result["ways"].items():
        p99 = one["answer_ms"].get("p99", float("inf"))
        others = {status: n for status, n in one["statuses"].items() if status != "201"}
        served = not others and not one["unanswered"]
        said = f"{p99} ms" if served else f"{p99} ms, {others}, {one['unanswered']} unanswered"
        goals.append(
            Goal(f"{WAYS[way]}: others' p99 at most {most:g} ms", served and p99 <= most, said)
        )
        grown = one["grown_mib"]
        small = all(size <= _GROWTH for size in grown.values())
        said = ", ".join(f"{name} {size} MiB" for name, size in grown.items())
        goals.append(Goal(f"{WAYS[way]}: memory grows by at most {_GROWTH:g} MiB", small, said))
    return goals


def _report(result: dict[str, Any]) -> str:
    columns = ("p50", "p99", "max")
    rows = []
    measured = [("nobody", one) for one in result["quiet"]]
    for name, one in [*measured, *result["ways"].items()]:
        got = one.get("abuser", {"answers": {}})["answers"]
        share = one["cpu_share_of_a_core"]
        rows.append(
            (
                WAYS.get(name, "alone"),
                *(one["answer_ms"].get(column, "-") for column in columns),
                *(f"{share[process]:.0%}" for process in ("edge", "valkey", "worker")),
                ", ".join(f"{many} of {status}" for status, many in sorted(got.items())) or "-",
            )
        )
    head = ("the others beside", *columns, "edge", "Valkey", "worker", "the abuser got")
    return f"\nmilliseconds from a POST to its 201, and shares of a core\n\n{table(head, rows)}"


if __name__ == "__main__":
    main()
