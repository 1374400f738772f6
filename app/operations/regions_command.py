"""`parley regions`: which region each partition is at home in, and how that changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import click

from app.mirror.regions import require_regions
from app.operations import region_homes, region_tail
from app.operations.region_homes import Change
from app.operations.region_status import RegionStatus, region_status
from app.settings import Settings


@click.group(name="regions")
def command() -> None:
    """Show the regions of a deployment, move homes, and take over from a lost region.

    Each partition has a home: the region that orders its rooms. The commands are for a deployment
    with PARLEY_REGION and PARLEY_REGIONS.
    """


@command.command()
def status() -> None:
    """Show homes, epochs, how far this region is behind, and what a loss would cost now.

    The exit code is 1 where a region does not answer.
    """
    settings = _settings()
    found = asyncio.run(region_status(settings))
    click.echo(f"{'partition':>9}  {'home':12}  {'epoch':>5}  {'events here':>11}  {'behind':>7}")
    for one in found.partitions:
        behind = "" if one.behind is None else f"{one.behind:,}"
        home = one.home if not one.on_its_way else f"{one.home} → {one.on_its_way}"
        row = f"{one.partition:>9}  {home:12}  {one.epoch:>5}  {one.pos + 1:>11,}  {behind:>7}"
        click.echo(row)
    _say_others(settings, found)
    if found.unreachable:
        raise SystemExit(1)


def _say_others(settings: Settings, found: RegionStatus) -> None:
    for region in settings.other_regions:
        if reason := found.unreachable.get(region):
            click.echo(f"{region}: does not answer ({reason})")
            continue
        mine = [one for one in found.partitions if one.home == region]
        events = sum(one.behind or 0 for one in mine)
        seconds = max((one.seconds for one in mine), default=0.0)
        if events:
            click.echo(
                f"{region}: answers; {events:,} of its events are not here yet, the oldest for"
                f" {seconds:.1f} s: a failover from {region} now would leave them behind"
            )
        else:
            click.echo(f"{region}: answers; all of its events are here")


@command.command()
@click.argument("partitions")
@click.option("--to", "region", required=True, help="The region that is to be their home.")
def move(partitions: str, region: str) -> None:
    """Move the homes of PARTITIONS, such as 0,3-5 or all, to another region.

    The present home writes no more events of a partition, and the other region goes on when it has
    all of them. Nothing is lost, and a send on its way is decided there. Both have to be there.
    """
    settings = _settings()
    wanted = region_homes.partitions_of(partitions, settings.partitions)
    _carry_out(region_homes.move(settings, wanted, region, _say), "moved")


@command.command()
@click.option("--from", "lost", required=True, help="The region that is lost.")
@click.option("--force", is_flag=True, help="Also where the region still answers.")
def failover(lost: str, force: bool) -> None:
    """Make this region the home of everything that is at home in a lost region.

    An epoch begins behind the last event that has come of it. What the lost region had accepted
    after that is no part of the log: when it is back, `parley regions tail` there offers it again.

    Refuses where the lost region's Kafka answers: it may still take messages. With --force those
    become its tail as soon as it hears of the epoch.
    """
    settings = _settings()
    _carry_out(region_homes.failover(settings, lost, _say, force=force), "taken over")
    click.echo(f"when {lost} is back, run there: parley regions tail")


@command.command()
@click.option("--offer", is_flag=True, help="Offer all of it again, to the present homes.")
@click.option("--drop", is_flag=True, help="Give all of it up, for good.")
def tail(offer: bool, drop: bool) -> None:
    """List what this region had accepted and another one has taken over without.

    Those events are no part of the log any more. Offered again, each becomes a new event under its
    client id, at the end of its room; what was offered before is known by that. The exit code is 1
    where something is left.
    """
    if offer and drop:
        raise click.UsageError("--offer and --drop exclude each other")
    settings = _settings()
    found = asyncio.run(region_tail.open_tail(settings))
    if not found.events:
        click.echo("nothing is left behind in this region")
        return
    if drop:
        asyncio.run(region_tail.drop(settings))
        click.echo(f"{len(found.events):,} events given up")
        return
    if not offer:
        for one in found.events:
            click.echo(one.line())
        click.echo(
            f"{len(found.events):,} events: offer them again with --offer, or give them up, --drop"
        )
        raise SystemExit(1)
    done = asyncio.run(region_tail.offer(settings, found))
    click.echo(f"{done.offered:,} offered again: {done.taken:,} are in the log")
    for line in done.refused:
        click.echo(line)
    if done.missing:
        click.echo(f"{done.missing:,} have no command any more: chat.raw keeps it for a week")
    if left := done.offered + done.missing - done.taken:
        click.echo(f"{left:,} are left: --drop gives them up")
        raise SystemExit(1)


def _carry_out(work: Coroutine[Any, Any, list[Change]], what: str) -> None:
    started = time.monotonic()
    changes = asyncio.run(work)
    seconds = time.monotonic() - started
    if changes:
        noun = "partition" if len(changes) == 1 else "partitions"
        click.echo(f"{len(changes)} {noun} {what} in {seconds:.1f} s")


def _say(text: str) -> None:
    click.echo(text)


def _settings() -> Settings:
    settings = Settings.read()
    require_regions(settings)
    return settings
