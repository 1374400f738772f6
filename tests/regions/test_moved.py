"""A home moves to another region on purpose: nothing is lost, and sends go on."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.topics import partition_of
from tests.regions.two_regions import NAMES, Region, verifies
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = pytest.mark.timeout(300)

Regions = dict[str, Region]

#: Seconds of sends before, while and after a home moves.
SECONDS = 4.0


async def test_people_of_both_regions_send_while_a_home_moves_there_and_back(
    regions: Regions,
) -> None:
    eu, us = (regions[name].chat for name in NAMES)
    slowest = dict.fromkeys(NAMES, 0.0)
    async with (
        Person(eu, "mia") as mia,
        Person(us, "noa") as noa,
        Listener(eu, "mia") as hers,
        Listener(us, "noa") as his,
    ):
        _, made = await mia.post("/v1/rooms", {})
        room = made["room"]
        await mia.post(f"/v1/rooms/{room}/members", {"user": "noa"})
        place = str(partition_of(room, eu.settings.partitions))
        sent: list[str] = []
        ended = asyncio.Event()

        async def send(person: Person, name: str) -> None:
            count = 0
            while not ended.is_set():
                text, begun = f"{name} {count}", time.monotonic()
                await person.say(room, text, client_id=text.replace(" ", "-"), wait=10)
                slowest[name] = max(slowest[name], time.monotonic() - begun)
                sent.append(text)
                count += 1

        async def move() -> None:
            for to in ("us", "eu"):
                await asyncio.sleep(SECONDS / 2)
                code, said = await eu.parley("regions", "move", place, "--to", to)
                assert code == 0, said
                assert f"→ {to}" in said
            await asyncio.sleep(SECONDS / 2)
            ended.set()

        await asyncio.gather(send(mia, "eu"), send(noa, "us"), move())
        await hers.until(lambda: len(hers.messages(room)) == len(sent))
        await his.until(lambda: len(his.messages(room)) == len(sent))
        assert sorted(hers.messages(room)) == sorted(sent)
        assert hers.messages(room) == his.messages(room)
        assert hers.numbers(room)[1:] == his.numbers(room)
    print(f"slowest sends: {slowest}")
    assert max(slowest.values()) <= 2.0


async def test_the_status_names_homes_and_what_is_missing(regions: Regions) -> None:
    code, said = await regions["us"].chat.parley("regions", "status")
    assert code == 0, said
    assert "eu: answers; all of its events are here" in said


async def test_a_move_that_can_not_be_is_refused(regions: Regions) -> None:
    eu = regions["eu"].chat

    async def refused(*arguments: str) -> str:
        code, said = await eu.parley("regions", *arguments)
        assert code == 1
        return said

    assert "there is no region 'mars'" in await refused("move", "0", "--to", "mars")
    assert "0 to 3" in await refused("move", "4", "--to", "us")
    assert "'x' names no partitions" in await refused("move", "x", "--to", "us")
    assert "the region us is alive" in await refused("failover", "--from", "us")
    assert "run it in the one that is to take over" in await refused("failover", "--from", "eu")
    code, said = await eu.parley("regions", "move", "0", "--to", "eu")
    assert code == 0
    assert "partition 0 is at home in eu already" in said


async def test_both_regions_verify_after_moves(regions: Regions) -> None:
    for region in regions.values():
        await verifies(region)
