"""Push: what a message costs by the members of its room, and by those who are to be called.

A worker with the group of push alone calls browsers at an endpoint on another core. The costs are
those of this group, for a message. A call waits for a second instead of ten.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
import uuid_utils
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.embedded.ports import free_port
from app.errors import ParleyError
from app.events import (
    AddMember,
    AnyCommand,
    AnyNotify,
    CreateRoom,
    Level,
    NotifyUser,
    PushSubscription,
    SendMessage,
    encode,
    notify_key,
)
from app.push.web_push import new_private_key
from app.settings import Settings
from app.topics import NOTIFY, partition_of
from bench.cores import MEASURED, OTHERS
from bench.crowd import write, write_pairs
from bench.figures import Goal, judge, keep, table
from bench.spent import Spent, memory_mib
from bench.stage import Placed, Stage, reach, stage

_SECRET: Final = "a secret of the benchmark's, which is long enough"
_WITHIN: Final = 300.0

#: Seconds for which the worker is looked at while nothing happens.
_IDLE: Final = 5.0


@dataclass(frozen=True)
class _Room:
    """A room, of whose members the first ones have subscribed, with a level."""

    name: str
    members: int
    subscribed: int
    level: Level
    called: int

    def user(self, index: int) -> str:
        return f"{self.name}-{index}"


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=4_000, show_default=True, help="Messages in each room.")
@click.option("--rate", default=200, show_default=True, help="Of those, a second.")
@click.option("--members", default=5_000, show_default=True, help="Members of the large rooms.")
@click.option("--calls", default=5_000, show_default=True, help="Members called by one message.")
def main(messages: int, rate: int, members: int, calls: int) -> None:
    """Run and report."""
    rooms = [
        _Room("empty", 50, 0, "all", 0),
        _Room("few", 50, 10, "all", 10),
        _Room("many", members, 10, "all", 10),
        _Room("nobody", members, 0, "all", 0),
        _Room("quiet", members, members // 5, "mentions", 0),
    ]
    everyone = _Room("everyone", calls + 1, calls, "mentions", calls)
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(Path(folder), rooms, everyone, messages, rate))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    rows = [
        (
            f"{room.members:,} members, {room.subscribed:,} subscribed to {room.level}",
            f"{result['turns'][room.name]['cpu_us']:.0f}",
            f"{result['turns'][room.name]['pushes']:,.0f}",
        )
        for room in rooms
    ]
    cost = {name: one["cpu_us"] for name, one in result["turns"].items()}
    burst = result["burst"]
    goals = [
        Goal(
            f"10 called of {members:,} cost at most a quarter more than 10 of 50",
            cost["many"] <= 1.25 * cost["few"] + 10,
            f"{cost['many']:.0f} and {cost['few']:.0f} µs",
        ),
        Goal(
            f"{members:,} of whom none is to be called cost at most a quarter more than 50 such",
            max(cost["nobody"], cost["quiet"]) <= 1.25 * cost["empty"] + 10,
            f"{cost['nobody']:.0f}, {cost['quiet']:.0f} and {cost['empty']:.0f} µs",
        ),
        Goal("500 pushes/s", burst["per_second"] >= 500, f"{burst['per_second']:,.0f}"),
    ]
    path = keep("push", {**result, "goals": [goal._asdict() for goal in goals]})
    click.echo(f"\n{table(('a room of', 'µs CPU a message', 'pushes'), rows)}")
    click.echo(
        f"\n{calls:,} calls of one message: {burst['per_second']:,.0f} pushes/s,"
        f" {burst['cpu_us']:.0f} µs CPU each"
    )
    click.echo(f"The worker has {result['mib']:.0f} MiB more with {result['people']:,} people")
    click.echo(f"\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(
    folder: Path, rooms: list[_Room], everyone: _Room, messages: int, rate: int
) -> dict[str, Any]:
    port = free_port()
    endpoint = Placed(
        [sys.executable, "-m", "bench.endpoint", str(port)], folder / "endpoint.log", {}, OTHERS
    )
    url = f"http://127.0.0.1:{port}/push"
    async with stage(folder) as there, aiohttp.ClientSession() as http:
        endpoint.start()
        await endpoint.ready()
        settings = replace(
            there.settings,
            secret=_SECRET,
            webhook_hosts="127.0.0.1",
            push_key=new_private_key(),
            push_wait=1.0,
        )
        rest = _worker(
            replace(settings, worker="rest", only="pipeline,fan_out,receipts,presence"), OTHERS
        )
        worker = _worker(replace(settings, worker="push", only="push"), MEASURED)
        bench = _Bench(there, settings, http, url)
        try:
            rest.start()
            await rest.ready()
            await bench.open([*rooms, everyone], rest)
            worker.start()
            await worker.ready()
            before = memory_mib(worker.pid)
            people = await bench.subscribe([*rooms, everyone])
            await asyncio.sleep(_IDLE)
            mib = memory_mib(worker.pid) - before
            idle = await bench.idle(worker)
            turns = {}
            for room in rooms:
                turns[room.name] = await bench.talk(room, messages, rate, idle, worker)
                click.echo(f"{room.name}: done")
            burst = await bench.call(everyone, worker)
        finally:
            await asyncio.gather(worker.stop(30), rest.stop(30), endpoint.stop(5))
    return {"turns": turns, "burst": burst, "mib": mib, "people": people}


def _worker(settings: Settings, cores: set[int]) -> Placed:
    log = settings.data / "logs" / f"{settings.worker}.log"
    return Placed([sys.executable, "-m", "app.cli", "worker"], log, settings.environ(), cores)


class _Bench:
    def __init__(
        self, there: Stage, settings: Settings, http: aiohttp.ClientSession, url: str
    ) -> None:
        self._there = there
        self._settings = settings
        self._http = http
        self._url = url

    async def open(self, rooms: list[_Room], worker: Placed) -> None:
        """Open the rooms with all their members."""
        count = await write(self._settings, _opening(rooms))
        await reach(self._there.published, count, [worker], _WITHIN)

    async def subscribe(self, rooms: list[_Room]) -> int:
        """Subscribe a browser for each who is to; how many they are."""
        partitions = self._settings.partitions
        said = list(_subscriptions(rooms, self._url))
        pairs = (
            (partition_of(s.user, partitions), notify_key(s).encode(), encode(s)) for s in said
        )
        await write_pairs(self._settings, NOTIFY, pairs)
        return len(said) // 2

    async def idle(self, worker: Placed) -> float:
        """Processor seconds a second of the worker while nothing happens."""
        spent = Spent({"worker": worker.pid})
        await asyncio.sleep(_IDLE)
        seconds, passed = spent.so_far()
        return seconds["worker"] / passed

    async def talk(
        self, room: _Room, count: int, rate: int, idle: float, worker: Placed
    ) -> dict[str, float]:
        """Messages in a room at a rate, from a member who has not subscribed."""
        before, published = await self._requests(), await self._there.published()
        spent, began, step = Spent({"worker": worker.pid}), time.monotonic(), max(1, rate // 20)
        for start in range(0, count, step):
            await write(self._settings, _saying(room, start, min(step, count - start)))
            await asyncio.sleep(max(0.0, began + (start + step) / rate - time.monotonic()))
        await reach(self._there.published, published + count, [worker], _WITHIN)
        await self._quiet(worker)
        seconds, passed = spent.so_far()
        pushes = await self._requests() - before
        if bool(pushes) != bool(room.called):
            raise ParleyError(f"{pushes} pushes in {room.name}: {worker.tail()}")
        cost = max(0.0, seconds["worker"] - idle * passed)
        return {"cpu_us": cost * 1e6 / count, "pushes": pushes}

    async def call(self, room: _Room, worker: Placed) -> dict[str, float]:
        """One message that mentions everyone."""
        before, spent = await self._requests(), Spent({"worker": worker.pid})
        await write(self._settings, _saying(room, 0, 1, "@room"))
        first = await self._reach(before + 1, worker)
        last = await self._reach(before + room.called, worker)
        seconds, _ = spent.so_far()
        return {
            "per_second": (room.called - 1) / max(last - first, 1e-3),
            "cpu_us": seconds["worker"] * 1e6 / room.called,
        }

    async def _reach(self, target: int, worker: Placed) -> float:
        return await reach(self._requests, target, [worker], _WITHIN, every=0.02)

    async def _quiet(self, worker: Placed) -> None:
        """Return when no push has come for two seconds."""
        known, since = -1, time.monotonic()
        while time.monotonic() - since < 2 and worker.running:
            if (now := await self._requests()) != known:
                known, since = now, time.monotonic()
            await asyncio.sleep(0.2)

    async def _requests(self) -> int:
        async with self._http.get(self._url) as answer:
            return int((await answer.json(content_type=None))["requests"])


def _stamp(by: str) -> dict[str, Any]:
    name = str(uuid_utils.uuid7())
    return {"by": by, "id": name, "client_id": name, "edge": "bench"}


def _opening(rooms: Iterable[_Room]) -> Iterator[AnyCommand]:
    """The owner, whose number is the last, has not subscribed."""
    for room in rooms:
        owner = room.user(room.members - 1)
        yield CreateRoom(room=room.name, **_stamp(owner), name=room.name)
        for index in range(room.members - 1):
            yield AddMember(room=room.name, **_stamp(owner), user=room.user(index))


def _saying(room: _Room, start: int, count: int, text: str = "") -> Iterator[AnyCommand]:
    for number in range(start, start + count):
        stamp = _stamp(room.user(room.members - 1))
        yield SendMessage(room=room.name, **stamp, text=text or f"something like {number}")


def _subscriptions(rooms: Iterable[_Room], url: str) -> Iterator[AnyNotify]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    p256dh = urlsafe_b64encode(raw).decode().rstrip("=")
    auth = urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
    for room in rooms:
        for index in range(room.subscribed):
            user = room.user(index)
            yield NotifyUser(user=user, at_ms=1, level=room.level)
            yield PushSubscription(
                user=user, id=user, at_ms=1, endpoint=f"{url}/{user}", p256dh=p256dh, auth=auth
            )


if __name__ == "__main__":
    main()
