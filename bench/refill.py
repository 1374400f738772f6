"""The seconds until an emptied view is whole again, by the number of memberships in one partition.

With `--events`, also by the number of events: the rest are messages in these rooms. The log is
written straight into Kafka. Beside the seconds, the longest time for which the event loop stood
still: a worker's heartbeats wait for it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import uvloop

from app.delivery.publisher import Publisher
from app.delivery.refill import Place, refill
from app.delivery.valkey import connect
from app.errors import ParleyError
from app.events import MemberAdded, MessageCreated, RoomCreated, encode
from app.kafka.partition_reader import PartitionReader
from app.runtime.gc_tuning import GcPauses, collect_rarely
from app.topics import LOG, partition_of
from bench.crowd import Pair, write_pairs
from bench.figures import Goal, judge, keep, table
from bench.stage import Stage, stage

_IN_A_ROOM = 1000
_STAMP: Any = {"by": "owner", "at_ms": 1, "id": "i" * 36, "client_id": ""}
_TEXT = "what was said in a room of the partition, and is read again when its view is refilled"
_LOOK_EVERY = 0.005


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--memberships", default=250_000, show_default=True, help="Of all rooms together.")
@click.option("--events", default=0, help="Of the log in all; 0: memberships alone.")
def main(memberships: int, events: int) -> None:
    """Run and report."""
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(memberships, max(events, memberships), Path(folder)))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = [
        Goal(
            "the loop stands for less than 50 ms",
            result["longest_ms"] < 50,
            f"{result['longest_ms']} ms",
        )
    ]
    sizes = {"memberships": memberships, "events": max(events, memberships)}
    told = {**sizes, **result, "goals": [goal._asdict() for goal in goals]}
    path = keep("refill", told)
    report = table(("an emptied view", ""), list(result.items()))
    click.echo(f"\n{report}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(memberships: int, events: int, folder: Path) -> dict[str, Any]:
    async with stage(folder) as there:
        click.echo(f"Writing {events:,} events, {memberships:,} of them memberships")
        partitions = there.settings.partitions
        await write_pairs(there.settings, LOG, _joining(memberships, partitions))
        await write_pairs(there.settings, LOG, _saying(memberships, events, partitions))
        return await _refilled(there)


async def _refilled(there: Stage) -> dict[str, Any]:
    settings = there.settings
    publisher = Publisher(connect(settings.redis), settings.window, settings.window_bytes)
    async with PartitionReader(settings) as reader, _pauses() as pauses:
        collecting = asyncio.create_task(collect_rarely(GcPauses()))  # as in a worker
        began = time.monotonic()
        await refill(reader, publisher, Place(0, settings.partitions), 0, erased={})
        seconds = time.monotonic() - began
        collecting.cancel()
    if not await publisher.whole(0):
        raise ParleyError("the view is not whole")
    late = sorted(pauses)
    return {
        "seconds": round(seconds, 1),
        "p99_ms": round(late[len(late) * 99 // 100] * 1000, 1),
        "longest_ms": round(late[-1] * 1000, 1),
    }


@asynccontextmanager
async def _pauses() -> Any:
    """The seconds by which the event loop is late, again and again."""
    late = [0.0]

    async def look() -> None:
        while True:
            due = time.monotonic() + _LOOK_EVERY
            await asyncio.sleep(_LOOK_EVERY)
            late.append(time.monotonic() - due)

    looking = asyncio.create_task(look())
    yield late
    looking.cancel()


def _joining(memberships: int, partitions: int) -> Iterator[Pair]:
    for turn, (room, count) in enumerate(_rooms(memberships, partitions)):
        opened = RoomCreated(room=room, n=1, type="group", name=room, **_STAMP)
        yield 0, room.encode(), encode(opened)
        for i in range(1, count):
            user = f"person-{(turn * 7 * _IN_A_ROOM + i) % 400_000}"
            added = MemberAdded(room=room, n=i + 1, user=user, role="member", **_STAMP)
            yield 0, room.encode(), encode(added)


def _saying(memberships: int, events: int, partitions: int) -> Iterator[Pair]:
    """Messages, in each room in turn."""
    rooms = list(_rooms(memberships, partitions))
    for i in range(events - memberships):
        (room, count), seq = rooms[i % len(rooms)], i // len(rooms) + 1
        said = MessageCreated(room=room, n=count + seq, seq=seq, text=_TEXT, **_STAMP)
        yield 0, room.encode(), encode(said)


def _rooms(memberships: int, partitions: int) -> Iterator[tuple[str, int]]:
    """Rooms of the first partition, and how many members each has."""
    names = (room for i in range(10**9) if not partition_of(room := f"room-{i}", partitions))
    for start in range(0, memberships, _IN_A_ROOM):
        yield next(names), min(_IN_A_ROOM, memberships - start)


if __name__ == "__main__":
    main()
