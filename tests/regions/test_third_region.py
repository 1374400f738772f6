"""A region is added to a deployment that has two."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.topics import partition_of
from tests.regions.two_regions import NAMES, Region, region_of, servers_of, start, verifies
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


async def stopped(region: Region) -> None:
    """Stop what belongs to a region, but for its servers."""
    await region.chat.stop()
    await region.mirror.stop(20)


async def test_a_third_region_gets_every_room_and_can_be_a_home(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        servers = {name: await servers_of(stack, tmp_path, name) for name in NAMES}
        two = {name: region_of(stack, tmp_path, name, servers) for name in NAMES}
        await start(two.values())
        async with Person(two["eu"].chat, "mia") as mia, Listener(two["eu"].chat, "mia") as hers:
            _, made = await mia.post("/v1/rooms", {})
            room = made["room"]
            await mia.post(f"/v1/rooms/{room}/members", {"user": "noa"})
            await mia.say(room, "before")
            await hers.until(lambda: hers.messages(room) == ["before"])
            cursor = hers.cursor
        for region in two.values():
            await stopped(region)

        servers["ap"] = await servers_of(stack, tmp_path, "ap")
        three = {name: region_of(stack, tmp_path, name, servers) for name in servers}
        await start(three.values())
        eu, ap = three["eu"].chat, three["ap"].chat
        async with (
            Person(ap, "noa") as noa,
            Listener(eu, "mia", cursor=cursor) as hers,
            Listener(ap, "noa", cursor=cursor) as his,
        ):
            assert hers.hello["recovered"] is True
            assert his.hello["recovered"] is True
            assert [one["text"] for one in await noa.history(room)] == ["before"]
            await noa.say(room, "from afar", wait=10)
            place = str(partition_of(room, ap.settings.partitions))
            code, said = await ap.parley("regions", "move", place, "--to", "ap")
            assert code == 0, said
            assert "→ ap" in said
            await noa.say(room, "at home", wait=10)
            for one in (hers, his):
                await one.until(lambda one=one: one.messages(room) == ["from afar", "at home"])  # type: ignore[misc]
            assert hers.numbers(room) == his.numbers(room)
        for region in three.values():
            await verifies(region)
