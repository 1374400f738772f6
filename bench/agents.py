"""Agents of one's own: events a second with a table, on the kit, on the inner loop, and plain.

Each agent counts the messages of a log by room and author, from its start, in a worker of its own.
The three take turns. Beside that: an idle agent, a replay, and a test of the kit.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import uvloop

from app.agentkit.agent_files import find_agent
from app.agentkit.past import Past
from app.agentkit.play import play
from app.errors import ParleyError
from app.events import MessageCreated, encode
from app.kafka.admin import connected, group_offsets
from app.operations.agents_replay import ends, run_past, starts
from app.operations.progress_line import ProgressLine
from app.topics import LOG, partition_of
from bench.cores import MEASURED
from bench.crowd import Pair, write_pairs
from bench.figures import Goal, judge, keep, table
from bench.spent import Spent
from bench.stage import Placed, Stage, stage

_ROOMS = 64
_PEOPLE = 20
_WITHIN = 300.0

KIT = """
from parley import Agent, Do, MessageCreated

counter = Agent("{name}", table=int, start="oldest")


@counter.on("message.created")
def count(event: MessageCreated, do: Do[int]) -> None:
    do.table[event.by] += 1
"""

LOOP = """
import msgspec

from parley import LOG, MessageCreated, Table, batches, decode_log, group, raw_topic


class Count(msgspec.Struct):
    n: int = 0
    messages: int = 0


app = group("{name}", strict=True)
counts = Table(app, "counts", Count)


@app.agent(raw_topic(app, LOG))
async def count(log):
    async for batch in batches(log, (counts,)):
        for record, event in batch.decode(decode_log):
            if isinstance(event, MessageCreated):
                key = f"{{event.room}}/{{event.by}}"
                before = counts.read(record.partition, key) or Count()
                if event.n > before.n:
                    after = Count(event.n, before.messages + 1)
                    counts.write(record.partition, key, after, event.n)
"""

PLAIN = """
from parley import LOG, MessageCreated, decode_log, group, raw_topic

app = group("{name}")
counts = app.Table("counts", default=int, partitions=8)


@app.agent(raw_topic(app, LOG))
async def count(log):
    async for value in log:
        event = decode_log(value)
        if isinstance(event, MessageCreated):
            counts[f"{{event.room}}/{{event.by}}"] += 1
"""

#: The agents: their files, what their groups are called, and the part of the events that they do.
AGENTS = {
    "kit": (KIT, "parley-agent-{}", 1),
    "loop": (LOOP, "parley-{}", 1),
    "plain": (PLAIN, "parley-{}", 6),
}


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", default=240_000, show_default=True, help="Messages of the log.")
@click.option("--rounds", default=3, show_default=True, help="Turns of each agent.")
def main(events: int, rounds: int) -> None:
    """Run and report."""
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(events, rounds, Path(folder)))
            result["test_ms"] = _test_ms(Path(folder))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    rows = [
        (name, f"{result[name]['per_second']:,.0f}", f"{result[name]['cpu_us']:.1f}")
        for name in AGENTS
    ]
    kit, loop, plain = (result[name]["per_second"] for name in AGENTS)
    goals = [
        Goal("the kit does 0.8 of the inner loop", kit >= 0.8 * loop, f"{kit / loop:.2f}"),
        Goal("the kit does 3 times a plain agent", kit >= 3 * plain, f"{kit / plain:.1f}"),
    ]
    others = [
        ("an idle agent, % of a core", f"{result['idle_percent']:.2f}"),
        ("an idle agent, MiB", f"{result['idle_mib']:.0f}"),
        ("a replay, events/s", f"{result['replayed_per_second']:,.0f}"),
        ("a test with doubling and crashes, ms", f"{result['test_ms']:.1f}"),
    ]
    path = keep("agents", {**result, "goals": [goal._asdict() for goal in goals]})
    click.echo(f"\n{table(('an agent with a table', 'events/s', 'µs CPU each'), rows)}")
    click.echo(f"\n{table(('beside that', ''), others)}")
    click.echo(f"\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(events: int, rounds: int, folder: Path) -> dict[str, Any]:
    async with stage(folder) as there:
        click.echo(f"Writing {events:,} messages")
        await write_pairs(there.settings, LOG, _messages(events, there.settings.partitions))
        found: dict[str, list[dict[str, float]]] = {name: [] for name in AGENTS}
        for number in range(rounds):
            for kind in AGENTS:
                found[kind].append(await _turn(there, folder, kind, number, events))
                click.echo(f"{kind}: {found[kind][-1]['per_second']:,.0f} events/s")
        result: dict[str, Any] = {
            kind: {key: statistics.median(one[key] for one in each) for key in each[0]}
            for kind, each in found.items()
        }
        result |= await _idle(there, folder)
        result["replayed_per_second"] = await _replayed(there, folder, events)
        return result


async def _turn(
    there: Stage, folder: Path, kind: str, number: int, events: int
) -> dict[str, float]:
    text, group, part = AGENTS[kind]
    name, target = f"{kind}-{number}", events // part
    worker = _worker(there, folder, name, text)
    worker.start()
    try:
        begun, counted = await _reach(there, group.format(name), target // 10, worker)
        spent = Spent({name: worker.pid})
        ended, reached = await _reach(there, group.format(name), target, worker)
        seconds, _ = spent.so_far()
    finally:
        await worker.stop(30)
    count = reached - counted
    return {
        "per_second": count / (ended - begun),
        "cpu_us": sum(seconds.values()) * 1e6 / count,
    }


def _worker(there: Stage, folder: Path, name: str, text: str) -> Placed:
    agents = folder / f"agents-{name}"
    agents.mkdir()
    (agents / "counter.py").write_text(text.format(name=name))
    settings = replace(there.settings, agents=str(agents), only=name, worker="bench")
    log = folder / "logs" / f"{name}.log"
    command = [sys.executable, "-m", "app.cli", "worker"]
    return Placed(command, log, settings.environ(), MEASURED)


async def _reach(there: Stage, group: str, target: int, worker: Placed) -> tuple[float, int]:
    """When the group has committed so many events, and how many it had then."""
    deadline = time.monotonic() + _WITHIN
    async with connected(there.settings, 10.0) as admin:
        while time.monotonic() < deadline and worker.running:
            committed = await group_offsets(admin, group)
            done = sum(c.offset for place, c in committed.items() if place.topic == LOG)
            if done >= target:
                return time.monotonic(), done
            await asyncio.sleep(0.02)
    raise ParleyError(f"{group} does not come to {target}: {worker.tail()}")


async def _idle(there: Stage, folder: Path) -> dict[str, float]:
    worker = _worker(there, folder, "idle", KIT.replace('"oldest"', '"now"'))
    worker.start()
    try:
        await worker.ready()
        await asyncio.sleep(5)
        spent = Spent({"idle": worker.pid})
        await asyncio.sleep(10)
        seconds, _ = spent.so_far()
        resident = _resident(worker.pid)
    finally:
        await worker.stop(30)
    return {"idle_percent": sum(seconds.values()) * 10, "idle_mib": resident / 2**20}


def _resident(pid: int) -> int:
    """Bytes of memory that the process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _replayed(there: Stage, folder: Path, events: int) -> float:
    file = folder / "replayed.py"
    file.write_text(KIT.format(name="replayed"))
    past = Past(find_agent(file))
    begin, end = (
        await starts(there.settings, past.agent, 0),
        await ends(there.settings, past.agent),
    )
    begun = time.monotonic()
    await run_past(there.settings, past, begin, end, ProgressLine("replay", events))
    return past.events / (time.monotonic() - begun)


def _test_ms(folder: Path) -> float:
    agent = find_agent(folder / "replayed.py")
    begun = time.monotonic()
    for _ in range(20):
        play(agent, "ann: one", "ben: two", "ann: three")
    return (time.monotonic() - begun) * 1000 / 20


def _messages(count: int, partitions: int) -> Iterator[Pair]:
    numbers = [0] * _ROOMS
    for index in range(count):
        place = index % _ROOMS
        numbers[place] += 1
        room = f"room-{place}"
        event = MessageCreated(
            id=f"{index:036}",
            client_id=f"{index}",
            room=room,
            n=numbers[place],
            seq=numbers[place],
            by=f"user-{index % _PEOPLE}",
            at_ms=1_700_000_000_000 + index,
            text="something that somebody says about nothing much",
        )
        yield partition_of(room, partitions), room.encode(), encode(event)


if __name__ == "__main__":
    main()
