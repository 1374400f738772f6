"""Two regions on this machine: how soon messages are in both, what a loss costs, how homes change.

`parley up --regions eu,us` serves them. People in `eu` send to rooms at home there, and somebody
in `us` reads. Then all homes move there and back, `eu` is killed whole, `us` takes over, and `eu`
comes back and offers its tail again.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
import orjson
import uvloop

from app.embedded.child import Child, tail
from app.embedded.ports import free_port
from app.errors import ParleyError
from app.local.supervisor import Command
from app.runtime.dev_tokens import mint
from app.settings import Settings
from bench.figures import Goal, judge, keep, quantiles
from bench.running import UNHURRIED

_READY: Final = 180.0
_WITHIN: Final = 60.0
_ROOMS: Final = 4
_OWNER: Final = "owner"


@dataclass
class _Region:
    """A region of `parley up`: where its edge is, and where its data."""

    name: str
    url: str
    data: Path
    secret: str

    def headers(self, user: str = _OWNER) -> dict[str, str]:
        token = mint(replace(Settings(), secret=self.secret), user)
        return {"Authorization": f"Bearer {token}"}


@dataclass
class _Sent:
    """Messages that were sent: by client id, when they were accepted, how long it took, in ns."""

    accepted: dict[str, int] = field(default_factory=dict)
    took: dict[str, int] = field(default_factory=dict)
    failed: int = 0


class _Reader:
    """Somebody who reads all of their rooms at one edge: when each client id came, in ns."""

    def __init__(self, region: _Region) -> None:
        self.came: dict[str, int] = {}
        self._region = region
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        live = asyncio.Event()
        self._task = asyncio.create_task(self._read(live))
        await asyncio.wait_for(live.wait(), _WITHIN)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, client_ids: set[str], within: float = _WITHIN) -> None:
        latest = time.monotonic() + within
        while not client_ids <= self.came.keys():
            if time.monotonic() > latest:
                missing = len(client_ids - self.came.keys())
                raise ParleyError(f"{missing} messages have not come to {self._region.name}")
            await asyncio.sleep(0.05)

    async def _read(self, live: asyncio.Event) -> None:
        cursor = ""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError):
                    headers = self._region.headers() | ({"Last-Event-ID": cursor} if cursor else {})
                    async with http.get(f"{self._region.url}/v1/stream", headers=headers) as answer:
                        async for line in answer.content:
                            if line.startswith(b"id: "):
                                cursor = line[4:].strip().decode()
                                live.set()
                            elif line.startswith(b"data: "):
                                self._take(orjson.loads(line[6:]))
                await asyncio.sleep(0.1)

    def _take(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "message.created":
            self.came.setdefault(event["client_id"], time.monotonic_ns())


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=30, show_default=True, help="Seconds at 100 messages/s.")
@click.option("--rate", default=100, show_default=True, help="Messages a second for the delay.")
@click.option("--load", default=500, show_default=True, help="Messages a second at the loss.")
def main(seconds: int, rate: int, load: int) -> None:
    """Run and report."""
    try:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
            result = uvloop.run(_run(Path(folder), seconds, rate, load))
    except ParleyError as error:
        raise click.ClickException(str(error)) from error
    delay = result["delay_from_post_ms"]
    goals = [
        Goal(
            f"sent in eu, received in us, {rate}/s: p50 at most 150 ms, p99 at most 500 ms",
            delay["p50"] <= 150 and delay["p99"] <= 500,
            f"p50 {delay['p50']:.0f} ms, p99 {delay['p99']:.0f} ms",
        ),
        Goal(
            "a home moves: the longest send takes at most 2 s",
            result["move_longest_s"] <= 2,
            f"{result['move_longest_s']:.2f} s",
        ),
        Goal(
            f"eu is killed at {load}/s: at most 1 s of events have not come to us",
            result["unmirrored"] <= result["loss_rate"],
            f"{result['unmirrored']} of {result['loss_rate']:.0f} a second",
        ),
        Goal(
            "failover said, first message accepted and its readers live: at most 10 s",
            result["failover_s"] <= 10,
            f"{result['failover_s']:.1f} s",
        ),
        Goal(
            "accepted and lost in the end, after the tail was offered again: 0",
            result["lost"] == 0,
            f"{result['lost']} of {result['accepted']:,}",
        ),
    ]
    path = keep("regions", {**result, "goals": [goal._asdict() for goal in goals]})
    click.echo(f"\nKept in {os.path.relpath(path)}\n\n{judge(goals)}")


async def _run(folder: Path, seconds: int, rate: int, load: int) -> dict[str, Any]:
    async with _up(folder) as (up, regions), aiohttp.ClientSession() as http:
        eu, us = regions["eu"], regions["us"]
        rooms = [await _room(http, eu) for _ in range(_ROOMS)]
        reader = _Reader(us)
        await reader.start()
        try:
            return await _measured(folder, up, http, (eu, us), rooms, reader, seconds, rate, load)
        finally:
            await reader.stop()


async def _measured(
    folder: Path,
    up: Child,
    http: aiohttp.ClientSession,
    regions: tuple[_Region, _Region],
    rooms: list[str],
    reader: _Reader,
    seconds: int,
    rate: int,
    load: int,
) -> dict[str, Any]:
    eu, us = regions
    warm = await _send(http, eu, rooms, "warm", rate, rate * 5)
    await reader.until(set(warm.accepted))
    sent = await _send(http, eu, rooms, "delay", rate, rate * seconds)
    await reader.until(set(sent.accepted))
    # Where the mirror is faster than the answer, this is below zero: so the goal counts the whole.
    delays = [reader.came[one] - at for one, at in sent.accepted.items()]
    whole = [delay + sent.took[one] for one, delay in zip(sent.accepted, delays, strict=True)]
    click.echo(f"accepted in eu → received in us: {quantiles(delays)} ms")
    click.echo(f"sent in eu → received in us: {quantiles(whole)} ms")

    sending = asyncio.create_task(_send(http, eu, rooms, "moved", 50, 50 * 20))
    for to in ("us", "eu"):
        await asyncio.sleep(2)
        await _parley(eu, "regions", "move", "all", "--to", to)
    moved = await sending
    await reader.until(set(moved.accepted))
    longest = max(moved.took.values()) / 1e9
    click.echo(f"longest send while all homes moved to us and back: {longest:.2f} s")

    # Killed in the middle of it: what is answered by then is accepted.
    sending = asyncio.create_task(_send(http, eu, rooms, "loss", load, load * 20))
    await asyncio.sleep(10)
    _kill(up, "eu", folder)
    lost_at = time.monotonic()
    loss = await sending
    took = 10.0
    accepted = set(loss.accepted)
    await asyncio.sleep(1)
    unmirrored = len(accepted - reader.came.keys())
    loss_rate = len(accepted) / took
    click.echo(f"{len(accepted):,} accepted until eu was killed, {unmirrored} did not come to us")

    began = time.monotonic()
    failing = asyncio.create_task(_parley(us, "regions", "failover", "--from", "eu"))
    first = await _first(http, us, rooms[0], reader)
    failover = first - began
    await failing
    click.echo(f"first message {failover:.1f} s after the command ({began - lost_at:.1f} s later)")

    again = _again(folder, eu)
    again.start()
    try:
        offered = await _offer(eu)
        click.echo(offered)
        lost = accepted - await _texts(http, us, rooms)
        if lost:
            await asyncio.sleep(5)
            lost = accepted - await _texts(http, us, rooms)
    finally:
        await again.stop(30)
    return {
        "delay_ms": quantiles(delays),
        "delay_from_post_ms": quantiles(whole),
        "move_longest_s": longest,
        "unmirrored": unmirrored,
        "loss_rate": loss_rate,
        "failover_s": failover,
        "accepted": len(accepted),
        "lost": len(lost),
    }


@asynccontextmanager
async def _up(folder: Path) -> AsyncIterator[tuple[Child, dict[str, _Region]]]:
    environ = {f"PARLEY_{name.upper()}": f"{value:g}" for name, value in UNHURRIED.items()}
    port = free_port()
    environ |= {"PARLEY_DATA": str(folder / "data"), "PARLEY_PORT": str(port)}
    part = Command(["up", "--regions", "eu,us"], folder / "up.log", environ)
    await part.start()
    try:
        latest = time.monotonic() + _READY
        while "Ctrl-C stops" not in _said(part.log):
            if not part.child.running or time.monotonic() > latest:
                raise ParleyError(f"it does not start:\n{tail(folder / 'up.log', 20)}")
            await asyncio.sleep(0.2)
        secret = (folder / "data" / "secret").read_text().strip()
        found = re.findall(r"^(\w+): (http://\S+?)/  \(its data: (.+)\)$", _said(part.log), re.M)
        yield (
            part.child,
            {name: _Region(name, url, Path(data), secret) for name, url, data in found},
        )
    finally:
        await part.stop()


def _said(log: Path | None) -> str:
    return log.read_text("utf-8", "replace") if log is not None and log.exists() else ""


def _kill(up: Child, name: str, folder: Path) -> None:
    """Kill a region whole, as `parley up` says."""
    assert up.running
    [pid] = re.findall(rf"kill -9 (\d+)  kills {name} whole", _said(folder / "up.log"))
    os.kill(int(pid), signal.SIGKILL)


def _again(folder: Path, region: _Region) -> Child:
    """The region's `parley up`, as the one of both says that it is started again."""
    said = _said(folder / "up.log")
    [regions, port] = re.findall(r"PARLEY_REGIONS='([^']+)'.* --port (\d+)", said)[0]
    environ = {
        "PARLEY_REGION": region.name,
        "PARLEY_REGIONS": regions,
        "PARLEY_SECRET": region.secret,
        "PARLEY_LIMITS": "1000",
    }
    arguments = ["up", "--data", str(region.data), "--port", port]
    return Command(arguments, folder / "again.log", environ).child


async def _room(http: aiohttp.ClientSession, region: _Region) -> str:
    headers = region.headers() | {"Prefer": "wait=20"}
    async with http.post(f"{region.url}/v1/rooms", json={}, headers=headers) as answer:
        if answer.status != 201:
            raise ParleyError(f"no room in {region.name}: {answer.status}")
        return str((await answer.json())["room"])


async def _send(
    http: aiohttp.ClientSession,
    region: _Region,
    rooms: list[str],
    name: str,
    rate: float,
    count: int,
) -> _Sent:
    """Send so many messages; ends early where the region is gone."""
    sent, tasks = _Sent(), set()
    headers = region.headers() | {"Prefer": "wait=10"}
    gone = asyncio.Event()

    async def one(index: int) -> None:
        client_id = f"{name}-{index}"
        url = f"{region.url}/v1/rooms/{rooms[index % len(rooms)]}/messages"
        body, began = {"text": client_id, "client_id": client_id}, time.monotonic_ns()
        try:
            async with http.post(url, json=body, headers=headers) as answer:
                if answer.status in (200, 201, 202):
                    sent.accepted[client_id] = time.monotonic_ns()
                    sent.took[client_id] = time.monotonic_ns() - began
                else:
                    sent.failed += 1
        except aiohttp.ClientError:
            sent.failed += 1
            gone.set()

    began = time.monotonic()
    for index in range(count):
        await asyncio.sleep(max(0.0, began + index / rate - time.monotonic()))
        if gone.is_set():
            break
        tasks.add(asyncio.create_task(one(index)))
    await asyncio.gather(*tasks)
    return sent


async def _first(http: aiohttp.ClientSession, region: _Region, room: str, reader: _Reader) -> float:
    """When the first message to a room of the lost region is in the log, and was read."""
    headers = region.headers() | {"Prefer": "wait=20"}
    body = {"text": "first", "client_id": "first"}
    url = f"{region.url}/v1/rooms/{room}/messages"
    latest = time.monotonic() + _WITHIN
    while time.monotonic() < latest:
        async with http.post(url, json=body, headers=headers) as answer:
            if answer.status in (200, 201):
                await reader.until({"first"})
                return time.monotonic()
        await asyncio.sleep(0.05)
    raise ParleyError(f"no message to a room of the lost region is taken in {region.name}")


async def _offer(region: _Region) -> str:
    """Offer the region's tail again as soon as it is back, and knows that it has one."""
    latest = time.monotonic() + _READY
    said = ""
    while time.monotonic() < latest:
        with suppress(ParleyError):
            said += await _parley(region, "regions", "tail", "--offer")
            if "nothing is left" in said:
                return said
        await asyncio.sleep(1)
    raise ParleyError(f"the tail is not offered again: {said}")


async def _texts(http: aiohttp.ClientSession, region: _Region, rooms: list[str]) -> set[str]:
    """All texts of the rooms, which are client ids."""
    found: set[str] = set()
    for room in rooms:
        after, more = 0, True
        while more:
            url = f"{region.url}/v1/rooms/{room}/messages?after_seq={after}&limit=200"
            async with http.get(url, headers=region.headers()) as answer:
                page = await answer.json()
            found |= {one["text"] for one in page["messages"]}
            after = max((one["seq"] for one in page["messages"]), default=after)
            more = page["has_more"]
    return found


async def _parley(region: _Region, *arguments: str) -> str:
    environ = {**os.environ, "PARLEY_DATA": str(region.data)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", *arguments),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise ParleyError(f"parley {' '.join(arguments)}: {said.decode()}")
    return said.decode()


if __name__ == "__main__":
    main()
