"""The seconds until an emptied view is whole again, by the number of memberships in one partition.

The log is written straight into Kafka: rooms with many members, and nothing else. Beside the
seconds, the longest time for which the event loop stood still: a worker's heartbeats wait for it.
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
from app.events import MemberAdded, RoomCreated, encode
from app.kafka.partition_reader import PartitionReader
from app.runtime.gc_tuning import GcPauses, collect_rarely
from app.topics import LOG, partition_of
from bench.crowd import Pair, write_pairs
from bench.figures import Goal, judge, keep, table
from bench.stage import Stage, stage

_IN_A_ROOM = 1000
_LOOK_EVERY = 0.005


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--memberships", default=250_000, show_default=True, help="Of all rooms together.")
def main(memberships: int) -> None:
    """Run and report."""
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(memberships, Path(folder)))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    goals = [
        Goal(
            "the loop stands for less than 50 ms",
            result["longest_ms"] < 50,
            f"{result['longest_ms']} ms",
        )
    ]
    told = {"memberships": memberships, **result, "goals": [goal._asdict() for goal in goals]}
    path = keep("refill", told)
    report = table(("an emptied view", ""), list(result.items()))
    click.echo(f"\n{report}\n\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(memberships: int, folder: Path) -> dict[str, Any]:
    async with stage(folder) as there:
        click.echo(f"Writing {memberships:,} memberships")
        await write_pairs(there.settings, LOG, _events(memberships, there.settings.partitions))
        return await _refilled(there)


async def _refilled(there: Stage) -> dict[str, Any]:
    settings = there.settings
    publisher = Publisher(connect(settings.redis), settings.window)
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


def _events(memberships: int, partitions: int) -> Iterator[Pair]:
    rooms = (room for i in range(10**9) if not partition_of(room := f"room-{i}", partitions))
    stamp: Any = {"by": "owner", "at_ms": 1, "id": "i" * 36, "client_id": ""}
    for start in range(0, memberships, _IN_A_ROOM):
        room = next(rooms)
        opened = RoomCreated(room=room, n=1, type="group", name=room, **stamp)
        yield 0, room.encode(), encode(opened)
        for i in range(1, min(_IN_A_ROOM, memberships - start)):
            user = f"person-{(start * 7 + i) % 400_000}"
            added = MemberAdded(room=room, n=i + 1, user=user, role="member", **stamp)
            yield 0, room.encode(), encode(added)


if __name__ == "__main__":
    main()
