"""`parley mirror`: brings the topics of other regions here, and tells how far behind it is."""

from __future__ import annotations

import asyncio
import signal
from itertools import groupby

import click

from app.errors import Unreachable
from app.mirror.mirror_lag import MirrorLag, mirror_lag
from app.mirror.regions import require_regions
from app.operations.mirror_run import MirrorRun
from app.settings import Settings


@click.command()
@click.option("--lag", is_flag=True, help="Print how far the mirror is behind, and end.")
def command(lag: bool) -> None:
    """Mirror the topics of all other regions into this one, until SIGTERM or Ctrl-C.

    Each region of PARLEY_REGIONS runs one, near its own Kafka. MirrorMaker 2 does the work, in a
    Java process that is started again when it ends or when a part of it fails. Its logs are under
    mirror/ in the data folder, and Maven fetches it at the first start.

    With --lag: by region and topic, the records that are not here yet, and the age of the oldest of
    them in seconds. The exit code is 1 where a region does not answer.
    """
    settings = Settings.read()
    require_regions(settings)
    if not lag:
        asyncio.run(_run(settings))
    elif not asyncio.run(_print_lag(settings)):
        raise SystemExit(1)


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await MirrorRun(settings, lambda text: click.echo(text, err=True)).until(stop)


async def _print_lag(settings: Settings) -> bool:
    """Print the lag of each region; whether all of them answered."""
    looks = (mirror_lag(settings, region) for region in settings.other_regions)
    found = await asyncio.gather(*looks, return_exceptions=True)
    click.echo(f"{'region':16}  {'topic':20}  {'behind':>11}  {'seconds':>9}")
    missing: list[str] = []
    for region, lags in zip(settings.other_regions, found, strict=True):
        if isinstance(lags, Unreachable):
            missing.append(f"parley: the region {region} is not known: {lags}")
        elif isinstance(lags, BaseException):
            raise lags
        else:
            _print_topics(lags)
    for line in missing:
        click.echo(line, err=True)
    return not missing


def _print_topics(lags: list[MirrorLag]) -> None:
    for topic, group in groupby(lags, lambda one: one.topic):
        partitions = list(group)
        records = sum(one.records for one in partitions)
        behind = f"{records:,}" if all(one.exact for one in partitions) else f"≤ {records:,}"
        seconds = max(one.seconds for one in partitions)
        click.echo(f"{partitions[0].region:16}  {topic:20}  {behind:>11}  {seconds:>9,.0f}")
