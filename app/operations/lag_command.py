"""`parley lag`: how far each consumer group is behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from difflib import get_close_matches

import click
import msgspec

from app.errors import ParleyError
from app.kafka.admin import connected
from app.kafka.group_lag import Lag, lags
from app.kafka.group_members import groups_with_members
from app.settings import Settings
from app.subscriptions.pull_commits import PULLED

_SECONDS = 10.0


@click.command()
@click.argument("group", required=False)
@click.option("--json", is_flag=True, help="Everything, as JSON.")
def command(group: str | None, json: bool) -> None:
    """How far each consumer group is behind, in records and seconds; of GROUP, by partition.

    Seconds are the age of the oldest record that the group has not processed. A group without a
    process stands still. Groups are Parley's own (parley-…), those of your agents, and pulled
    subscriptions.
    """
    found, read = asyncio.run(_look(Settings.read()))
    if group is not None:
        name = group if group in found else f"parley-{group}"
        if name not in found:
            near = get_close_matches(group, found, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the groups are {', '.join(found)}"
            raise ParleyError(f"no group {group} has read anything; {hint}")
        found = {name: found[name]}
    if json:
        click.echo(msgspec.json.format(msgspec.json.encode(_plain(found, read))))
    elif group is not None:
        _print_partitions(next(iter(found.values())))
    else:
        _print_groups(found, read)


async def _look(settings: Settings) -> tuple[dict[str, list[Lag]], frozenset[str]]:
    """The lag by group, and the groups that have a process."""
    found = await lags(settings)
    async with connected(settings, _SECONDS) as admin:
        return found, frozenset(await groups_with_members(admin, found))


def _print_groups(found: dict[str, list[Lag]], read: frozenset[str]) -> None:
    width = max(map(len, found), default=5)
    click.echo(f"{'group':{width}}  {'behind':>9}  {'seconds':>9}")
    for group, partitions in found.items():
        records, seconds = _total(partitions)
        click.echo(f"{group:{width}}  {records:>9,}  {seconds:>9,.0f}{_note(group, read)}")


def _note(group: str, read: frozenset[str]) -> str:
    if group.startswith(PULLED):
        return "  acknowledged by its readers"
    return "" if group in read else "  no process reads it"


def _print_partitions(partitions: Iterable[Lag]) -> None:
    for one in partitions:
        behind = f"{one.records:,} behind, {one.seconds:,.0f} s" if one.records else "at the end"
        click.echo(f"{one.topic}/{one.partition}: at {one.offset} of {one.end}, {behind}")


def _total(partitions: Iterable[Lag]) -> tuple[int, float]:
    """Records of all partitions, and seconds of the one that is furthest behind."""
    found = list(partitions)
    return sum(one.records for one in found), max((one.seconds for one in found), default=0.0)


def _plain(found: dict[str, list[Lag]], read: frozenset[str]) -> dict[str, object]:
    return {
        group: {
            "read": group in read,
            "behind": _total(partitions)[0],
            "seconds": _total(partitions)[1],
            "partitions": [one._asdict() | {"behind": one.records} for one in partitions],
        }
        for group, partitions in found.items()
    }
