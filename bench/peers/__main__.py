"""Parley beside other chat servers, in turns, on the same work and machine.

Starts Parley (Kafka, Valkey, a worker, an edge), Synapse and Prosody, fills the same
rooms with the same members in each, and sends as fast as each accepts, with a bounded number of
messages under way. Says how many were accepted and delivered a second, and how long a message took
from being sent to each reader's receipt. What can't be installed is left out.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import click
import uvloop

from app.errors import ParleyError
from bench.figures import Goal, judge, keep, table
from bench.peers.load import Load, Peer, Tally
from bench.peers.parley import parley
from bench.peers.prosody import prosody
from bench.peers.synapse import synapse, synapse_on_postgres
from bench.peers.turn import turn

_OPENERS: dict[str, Callable[[Path, Load, Tally], AbstractAsyncContextManager[Peer]]] = {
    "Parley": parley,
    "Synapse": synapse,
    "Synapse-PostgreSQL": synapse_on_postgres,
    "Prosody": prosody,
}
#: Times a peer's accepted messages a second that Parley's are to be at least.
_RATIO = 5.0


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rooms", default=10, show_default=True, help="Rooms, each sent to in turn.")
@click.option("--members", default=50, show_default=True, help="Members of each room.")
@click.option("--readers", type=int, help="Of them, who reads live; by default all but one.")
@click.option("--under-way", default=200, show_default=True, help="Messages not answered yet.")
@click.option("--seconds", default=8.0, show_default=True, help="How long a turn is measured.")
@click.option("--warmup", default=3.0, show_default=True, help="Seconds of the same before that.")
@click.option("--rounds", default=3, show_default=True, help="Turns that each server has.")
@click.option("--peers", default=",".join(list(_OPENERS)[1:]), show_default=True, help="By comma.")
@click.option("--limit", default=600.0, show_default=True, help="Seconds that all may take.")
def main(peers: str, limit: float, readers: int | None, **asked: Any) -> None:
    """Run and report."""
    asked["readers"] = asked["members"] - 1 if readers is None else readers
    load = Load(**asked)
    if load.readers >= load.members:
        raise click.BadParameter("the sender is a member, so --readers is less than --members")
    wanted = ["Parley", *filter(None, peers.split(","))]
    if unknown := set(wanted) - set(_OPENERS):
        raise click.BadParameter(f"there is no peer {', '.join(unknown)}")
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            turns = uvloop.run(_within(limit, load, wanted, Path(folder)))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    servers = {name: _median(figures) for name, figures in turns.items()}
    goals = _goals(servers)
    result = {"load": asked, "servers": servers, "turns": turns}
    path = keep("peers", result | {"goals": [goal._asdict() for goal in goals]})
    click.echo(f"\n{_report(servers)}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _within(
    limit: float, load: Load, wanted: list[str], folder: Path
) -> dict[str, list[dict[str, Any]]]:
    try:
        async with asyncio.timeout(limit):
            return await _in_turns(load, wanted, folder)
    except TimeoutError:
        raise ParleyError(f"not done in {limit:g} s; --limit gives it more") from None


async def _in_turns(load: Load, wanted: list[str], folder: Path) -> dict[str, list[dict[str, Any]]]:
    async with AsyncExitStack() as stack:
        there = await _started(stack, load, wanted, folder)
        turns: dict[str, list[dict[str, Any]]] = {name: [] for name in there}
        for number in range(load.rounds):
            click.echo(f"Turn {number + 1} of {load.rounds}")
            for name in list(there):
                try:
                    turns[name].append(await _turn(name, *there[name], load))
                except ParleyError as error:
                    _without(name, error)
                    del there[name], turns[name]
        return turns


async def _started(
    stack: AsyncExitStack, load: Load, wanted: list[str], folder: Path
) -> dict[str, tuple[Peer, Tally]]:
    """The servers with their rooms and readers; without the peers that don't come up."""
    there: dict[str, tuple[Peer, Tally]] = {}
    for name in wanted:
        click.echo(f"Starting {name}: {load.rooms} rooms of {load.members} members")
        tally = Tally()
        try:
            opener = _OPENERS[name](folder / name, load, tally)
            there[name] = (await stack.enter_async_context(opener), tally)
        except ParleyError as error:
            _without(name, error)
    return there


async def _turn(name: str, peer: Peer, tally: Tally, load: Load) -> dict[str, Any]:
    figures = await turn(peer, tally, load)
    click.echo(f"  {name} accepts {figures['accepted_per_second']:,.0f}/s")
    return figures


def _without(name: str, error: ParleyError) -> None:
    """Go on without a peer; there is nothing to compare without Parley."""
    if name == "Parley":
        raise error
    click.echo(f"Without {name}: {error}")


def _median(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure; lost messages of all turns."""
    rates = ("accepted_per_second", "delivered_per_second")
    return {
        **{rate: round(median(turn[rate] for turn in turns), 1) for rate in rates},
        **{
            name: round(median(turn["receipt_ms"].get(name, float("inf")) for turn in turns), 1)
            for name in ("p50", "p99")
        },
        "lost": sum(turn["lost"] for turn in turns),
        "cores": {
            name: round(median(turn["cores"][name] for turn in turns), 2)
            for name in turns[0]["cores"]
        },
    }


def _goals(servers: Mapping[str, dict[str, Any]]) -> list[Goal]:
    """The goals, beside each peer that was measured."""
    rates = {name: figures["accepted_per_second"] for name, figures in servers.items()}
    ours = rates.pop("Parley")
    return [
        Goal(
            f"accepted messages a second at least {_RATIO:g} x {name}'s",
            ours >= _RATIO * theirs,
            f"{ours / theirs:.2f} x",
        )
        for name, theirs in rates.items()
    ]


def _report(servers: Mapping[str, dict[str, Any]]) -> str:
    head = ("", "accepted/s", "delivered/s", "p50 ms", "p99 ms", "lost", "cores", "client's")
    rows = [
        (
            name,
            *(figures[key] for key in ("accepted_per_second", "delivered_per_second")),
            *(figures[key] for key in ("p50", "p99", "lost")),
            round(sum(figures["cores"].values()) - figures["cores"].get("client", 0), 2),
            figures["cores"].get("client", "-"),
        )
        for name, figures in servers.items()
    ]
    return table(head, rows)


if __name__ == "__main__":
    main()
