"""`parley move BROKER`: moves a deployment to another Kafka cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import replace

import click

from app.backup.move import cancel, has_arrived, has_left, moving
from app.errors import SettingError
from app.operations.progress_line import ProgressLine
from app.settings import Settings


@click.command(name="move")
@click.argument("broker")
@click.option("--now", is_flag=True, help="End the chat here, and finish the move.")
@click.option("--cancel", "given_up", is_flag=True, help="Give the move up: the chat goes on here.")
@click.option("--lost", is_flag=True, help="With --cancel: BROKER is lost for good.")
@click.option("--topic", "own", multiple=True, help="A topic of your own agents; may be repeated.")
def command(broker: str, now: bool, given_up: bool, lost: bool, own: tuple[str, ...]) -> None:
    """Copy the deployment to the Kafka cluster at BROKER, kafka://host:port, and move it there.

    Without --now, the chat goes on here: run the command as often as you like, it copies what has
    come since. With --now, workers and edges end, and the rest is copied. Then start them with
    PARLEY_BROKER set to BROKER. Readers keep their cursors, and senders their client ids.
    """
    if now and given_up:
        raise click.UsageError("--now and --cancel exclude each other")
    if lost and not given_up:
        raise click.UsageError("--lost belongs to --cancel")
    source = Settings.read()
    try:
        target = replace(source, broker=broker).checked()
    except SettingError:
        raise click.UsageError(f"{broker!r} is no broker: kafka://host:port,host:port") from None
    if given_up:
        asyncio.run(cancel(source, target, lost=lost))
        click.echo(f"the move is given up: workers and edges may start at {source.broker}")
        return
    asyncio.run(_move(source, target, own, now=now))


async def _move(source: Settings, target: Settings, own: Collection[str], *, now: bool) -> None:
    if await has_arrived(source, target):
        click.echo(f"the deployment has moved to {target.broker} already: nothing is to be done")
        return
    progress, started = ProgressLine("records"), time.monotonic()
    async with moving(source, target, own, progress) as move:
        count = await move.copy()
        progress.clear()
        click.echo(f"{count} records copied in {time.monotonic() - started:.1f} s")
        if not now and await has_left(source):
            click.echo(f"the chat has ended at {source.broker}, and the move has not: finish it by")
            click.echo(f"parley move --now {target.broker}")
            return
        if not now:
            click.echo(f"the chat goes on at {source.broker}; `parley move --now {target.broker}`")
            click.echo("ends it there and finishes the move, in a pause of some seconds")
            return
        paused = time.monotonic()
        groups = await move.finish(click.echo)
        progress.clear()
        seconds = time.monotonic() - paused
        click.echo(f"{groups} consumer groups moved, {seconds:.1f} s after the end")
        click.echo(f"start workers and edges with PARLEY_BROKER={target.broker}")
