"""`parley verify`: compares a recount from Kafka with tables, view and history store.

It also reconciles the commands that were accepted with their outcomes.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from functools import partial

import click
import msgspec

from app.delivery.read_marks import ReadMarks
from app.delivery.valkey import connect
from app.delivery.view import View
from app.deployment.log_reader import LogReader
from app.deployment.preparation import unusable
from app.errors import ParleyError
from app.history.store import History
from app.kafka.admin import connected, partition_counts
from app.operations.reconcile import without_outcome
from app.operations.recount import Recount
from app.operations.region_status import missing_events
from app.operations.store_diff import history_differences, table_differences, view_differences
from app.operations.verify_follow import Follower
from app.operations.verify_rooms import Difference
from app.runtime.clock import now_ms
from app.runtime.logging import set_up_logging
from app.runtime.starting import Stop, run_until_signal
from app.settings import Settings

#: Comparisons, a second apart, before a difference is reported: the chat goes on meanwhile.
ROUNDS = 5

#: Seconds to wait for the broker.
_WITHIN = 30.0


async def verify(settings: Settings, room: str = "") -> tuple[Recount, list[str]]:
    """The recount, and the differences from it that persist."""
    async with connected(settings, _WITHIN) as admin:
        if reason := unusable(settings, await partition_counts(admin)):
            raise ParleyError(reason)
    redis, history = connect(settings.redis), History(settings.history_url)
    view, reads = (
        View(redis, settings.partitions, partial=True),
        ReadMarks(redis, settings.partitions, partial=True),
    )
    await history.open()
    try:
        async with LogReader(settings) as reader:
            counting = Recount(settings, reader, room)
            for attempt in range(ROUNDS):
                if attempt:
                    await asyncio.sleep(1)
                await counting.read_on()
                found = await _differences(counting, view, reads, history)
                found += await without_outcome(settings, reader, room)
                found += await missing_events(settings)
                if not found:
                    break
            return counting, found
    finally:
        await history.close()
        await redis.aclose()


async def _differences(
    counting: Recount, view: View, reads: ReadMarks, history: History
) -> list[str]:
    rooms = counting.rooms.values()
    found = [f"{room.room}: log: {wrong}" for room in rooms for wrong in room.wrong]
    found += [line async for line in table_differences(counting)]
    for room in rooms:
        found += [line async for line in view_differences(room, view, reads)]
        found += [line async for line in history_differences(room, history)]
    return found


@click.command(name="verify")
@click.option("--room", default="", help="Only this room.")
@click.option("--follow", is_flag=True, help="Compare all the time, until Ctrl-C.")
@click.option("--json", is_flag=True, help="With --follow: a line of JSON for each difference.")
def command(room: str, follow: bool, json: bool) -> None:
    """Compare heads, members, receipts and unread counts with a recount from Kafka.

    Compares the tables' changelogs, the view in Valkey and the history store, and looks for
    commands of the last 20 hours that have no outcome. In a deployment of several regions also for
    events of another one that have not come for a minute. Prints each difference, and exits with 0
    only if all agree.

    With --follow it runs beside the chat, compares rooms that change and, in turn, all others, and
    prints each difference that lasts, and when it is gone. It leaves out the tables and commands
    without an outcome. Its metrics are on PARLEY_PROMETHEUS_PORT.
    """
    settings = Settings.read()
    if follow:
        set_up_logging("verify")
        asyncio.run(run_until_signal(partial(_follow, settings, room, json)))
        return
    counting, found = asyncio.run(verify(settings, room))
    for line in found:
        click.echo(line)
    verdict = f"{len(found)} differences" if found else "all agree"
    click.echo(f"{len(counting.rooms)} rooms, {counting.events} events: {verdict}")
    if found:
        raise SystemExit(1)


async def _follow(settings: Settings, room: str, json: bool, stop: Stop) -> None:
    following = asyncio.create_task(Follower(settings, partial(_say, json), room).run())
    stopping = asyncio.create_task(stop.wait())
    stop.started()
    await asyncio.wait([following, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


def _say(json: bool, one: Difference, has_come: bool) -> None:
    """One line, at once: what reads it may wait for it."""
    if json:
        said = {"at_ms": now_ms(), "gone": not has_come, **one._asdict()}
        line = msgspec.json.encode(said).decode()
    else:
        line = f"{one.room}: {one.text}" if has_come else f"{one.room}: agrees again: {one.text}"
    click.echo(line)
    sys.stdout.flush()
