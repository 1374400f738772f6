"""Two regions under load: mirrors die, networks are cut, homes move, a region is lost."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from app.deployment.log_reader import is_part
from app.deployment.topic import read_deployment
from app.errors import Malformed
from app.events import MessageCreated, decode_log
from app.kafka.admin import connected
from app.kafka.partition_reader import PartitionReader
from app.mirror.mirror_properties import offsets_topic
from app.topics import LOG
from tests.faults.frail import NEVER, Resumed
from tests.faults.load import Load, Strength
from tests.faults.proof import Place, Wish
from tests.regions.two_regions import NAMES, Region, both, two_regions, verifies
from tests.support.chat import until

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(600)]

Regions = dict[str, Region]

STRENGTH = Strength(rate=100, rooms=8, readers=24)


@pytest.fixture(scope="module")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Regions]:
    async with two_regions(tmp_path_factory.mktemp("regions")) as found:
        yield found


@pytest.fixture
async def regions(standing: Regions) -> Regions:
    """The regions, each the home of what it got in the beginning."""
    for region in standing.values():
        region.supervise()
    for partitions, name in (("0,2", "eu"), ("1,3", "us")):
        code, said = await standing[name].chat.parley("regions", "move", partitions, "--to", name)
        assert code == 0, said
    return standing


def load_of(regions: Regions, name: str, *, lenient: bool = False) -> Load:
    """A load on rooms at home in both regions, from people who use both."""
    return Load(both(regions), STRENGTH, patience=NEVER, name=name, lenient=lenient)


async def back(load: Load, resumed: Resumed, what: str) -> None:
    """Rooms of both regions go on, and all readers see it."""
    began = time.monotonic()
    await load.everywhere(within=NEVER)
    resumed.append((what, time.monotonic() - began))


async def unharmed(regions: Regions, load: Load) -> None:
    found = load.faults()
    assert not found, "\n".join(found)
    for region in regions.values():
        await verifies(region)


@asynccontextmanager
async def supervised(regions: Regions) -> AsyncIterator[None]:
    """Start again what ends by itself, as a supervisor does."""

    async def watch() -> None:
        while True:
            for region in regions.values():
                if region.kafka.child.running:
                    region.supervise()
            await asyncio.sleep(0.2)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_mirror_is_killed_and_started(regions: Regions, resumed: Resumed) -> None:
    async with load_of(regions, "killed") as load:
        await load.moment()
        for name in NAMES:
            regions[name].mirror.kill()
            await load.moment()
            regions[name].mirror.start()
            await back(load, resumed, f"kill -9 of the mirror of {name}")
    await unharmed(regions, load)


async def test_the_network_between_regions_is_cut_for_a_minute(
    regions: Regions, resumed: Resumed
) -> None:
    async with load_of(regions, "cut") as load:
        await load.moment()
        for region in regions.values():
            region.passage.cut()
        await asyncio.sleep(60)
        for region in regions.values():
            region.passage.mend()
        await back(load, resumed, "the network between regions was cut for 60 s")
    await unharmed(regions, load)


async def test_homes_move_under_load(regions: Regions, resumed: Resumed) -> None:
    async with load_of(regions, "moved") as load:
        await load.moment()
        since = time.monotonic()
        for to in ("us", "eu"):
            code, said = await regions["eu"].chat.parley("regions", "move", "all", "--to", to)
            assert code == 0, said
            await back(load, resumed, f"all homes moved to {to}")
        print(f"longest send while homes moved: {load.slowest(since):.2f} s")
    await unharmed(regions, load)


async def test_a_mirror_sends_everything_twice(regions: Regions, resumed: Resumed) -> None:
    async with load_of(regions, "twice") as load:
        await load.moment()
        for name, region in regions.items():
            other = next(one for one in NAMES if one != name)
            region.mirror.kill()
            async with connected(region.chat.settings, 10) as admin:
                await admin.delete_topics([offsets_topic(other)])
            region.mirror.start()
            await back(load, resumed, f"the mirror of {name} began anew")
    await unharmed(regions, load)


async def tail_of(region: Region) -> dict[str, frozenset[Place]]:
    """By room, the messages that are in the region's log, and are no part of it."""
    found: defaultdict[str, set[Place]] = defaultdict(set)
    settings = region.chat.settings
    async with PartitionReader(settings) as reader:
        deployment = await read_deployment(reader)
        for partition in range(settings.partitions):
            async for record in reader.read(LOG, partition, 0):
                if is_part(record, deployment):
                    continue
                with suppress(Malformed):
                    event = decode_log(record.value)
                    if isinstance(event, MessageCreated):
                        wish = Wish(event.room, event.by, event.client_id)
                        found[event.room].add(Place(event.n, event.seq, wish))
    return {room: frozenset(places) for room, places in found.items()}


async def offered(region: Region) -> None:
    """Offer a region's tail again, until nothing is left of it but acts that are refused."""

    async def nothing_left() -> bool:
        code, said = await region.chat.parley("regions", "tail", "--offer")
        print(said)
        return code == 0 or "refused" in said

    await until(nothing_left, within=NEVER)


async def taken_over(
    regions: Regions,
    load: Load,
    resumed: Resumed,
    lose: Callable[[], Awaitable[None]],
    bring_back: Callable[[], Awaitable[None]],
) -> None:
    """Lose `eu`, go on in `us`, bring `eu` back, offer its tail again, and move its homes back."""
    eu, us = regions["eu"], regions["us"]
    await load.moment()
    await lose()
    began = time.monotonic()
    code, said = await us.chat.parley("regions", "failover", "--from", "eu")
    print(said)
    assert code == 0, said
    resumed.append(("failover", time.monotonic() - began))
    await load.moment()
    await bring_back()
    await back(load, resumed, "a region came back after a failover")
    await offered(eu)


async def proved(regions: Regions, load: Load) -> None:
    """As `unharmed`, where some events were no part of the log any more."""
    records = load.records
    records.cuts = {**await tail_of(regions["eu"]), **await tail_of(regions["us"])}
    records.cuts = {room: gone for room, gone in records.cuts.items() if room in records.base}
    # A mark in the tail counts up to the last message before it.
    last = {room: min(one.seq for one in gone) - 1 for room, gone in records.cuts.items()}
    records.marked = {
        user: {room: min(seq, last.get(room, seq)) for room, seq in rooms.items()}
        for user, rooms in records.marked.items()
    }
    print(f"tail: {sum(map(len, records.cuts.values()))} messages, {len(records.resets)} resets")
    # A region does not know of the other's events before they come, and says so.
    found = [one for one in load.faults() if not one.endswith("was told to reset")]
    assert not found, "\n".join(found)
    for region in regions.values():
        await verifies(region)


async def test_a_region_dies_and_comes_back(regions: Regions, resumed: Resumed) -> None:
    eu = regions["eu"]
    async with supervised(regions), load_of(regions, "dead", lenient=True) as load:
        await taken_over(regions, load, resumed, eu.die, eu.come_back)
    await proved(regions, load)


async def test_a_region_that_is_cut_off_is_taken_over(regions: Regions, resumed: Resumed) -> None:
    async def cut() -> None:
        for region in regions.values():
            region.passage.cut()

    async def mend() -> None:
        for region in regions.values():
            region.passage.mend()

    async with supervised(regions), load_of(regions, "split", lenient=True) as load:
        await taken_over(regions, load, resumed, cut, mend)
    await proved(regions, load)
