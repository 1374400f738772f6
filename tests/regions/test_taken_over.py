"""A region dies: another one takes over, and what the dead one had accepted comes in the end."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from app.kafka.partition_reader import PartitionReader
from app.topics import AWAY, partition_of
from tests.regions.two_regions import Region, verifies
from tests.support.chat import until
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = pytest.mark.timeout(300)

Regions = dict[str, Region]


async def handed_on(region: Region, room: str) -> int:
    """How many commands of the room's partition the region has handed to other regions."""
    settings = region.chat.settings
    async with PartitionReader(settings) as reader:
        return await reader.end(AWAY, partition_of(room, settings.partitions))


async def acts(mia: Person, room: str) -> None:
    """Three messages and what is about them: numbers that other messages will have."""
    first = await mia.say(room, "tail 0")
    path = f"/v1/rooms/{room}/messages"
    async with mia.http.patch(f"{path}/{first['seq']}", json={"text": "tail 0, edited"}) as answer:
        assert answer.status == 200, await answer.text()
    async with mia.http.put(f"{path}/{first['seq']}/reactions/%F0%9F%91%8D") as answer:
        assert answer.status in (200, 201), await answer.text()
    status, said = await mia.post(path, {"text": "tail 1", "reply_to": first["seq"]})
    assert status == 201, said
    last = await mia.say(room, "tail 2")
    async with mia.http.delete(f"{path}/{last['seq']}") as answer:
        assert answer.status == 200, await answer.text()


async def is_undecided(region: Region, mia: Person, room: str) -> None:
    """A reaction and a reply that the region accepts, and never decides on."""
    for worker in region.chat.workers:
        worker.kill()
    path = f"/v1/rooms/{room}/messages"
    async with mia.http.put(f"{path}/6/reactions/%F0%9F%91%80") as answer:
        assert answer.status == 202, await answer.text()
    status, _ = await mia.post(path, {"text": "about a lost one", "reply_to": 6})
    assert status == 202


async def test_people_go_on_elsewhere_and_the_tail_comes_in_the_end(regions: Regions) -> None:
    eu, us = regions["eu"], regions["us"]
    async with Person(eu.chat, "mia") as mia, Person(us.chat, "noa") as noa:
        _, made = await mia.post("/v1/rooms", {})
        room = made["room"]
        await mia.post(f"/v1/rooms/{room}/members", {"user": "noa"})
        async with Listener(us.chat, "noa") as his:
            for number in range(5):
                await mia.say(room, f"before {number}")
            await his.until(lambda: len(his.messages(room)) == 5)
            # From now on eu takes what us does not get.
            us.mirror.kill()
            commits = await eu.decided(partition_of(room, eu.chat.settings.partitions))
            async with Listener(eu.chat, "mia") as hers:
                await acts(mia, room)
                await hers.until(lambda: len(hers.messages(room)) == 3)
                cursor = hers.cursor
            await is_undecided(eu, mia, room)
            # On its way to eu, and never there.
            eu.mirror.kill()
            before = await handed_on(us, room)
            on_its_way = asyncio.create_task(noa.say(room, "on its way", wait=60))

            async def is_handed_on() -> bool:
                return await handed_on(us, room) > before

            await until(is_handed_on, within=20)
            await eu.die()
            begun = time.monotonic()
            code, said = await us.chat.parley("regions", "failover", "--from", "eu")
            assert code == 0, said
            print(said)
            await noa.say(room, "after", wait=20)
            print(f"first message {time.monotonic() - begun:.1f} s after the command")
            assert (await on_its_way)["seq"]
            await his.until(lambda: len(his.messages(room)) == 7)
            assert sorted(his.messages(room)[5:]) == ["after", "on its way"]
            # A reader of eu comes to us, and is told.
            async with Listener(us.chat, "mia", cursor=cursor) as hers:
                assert hers.hello["recovered"] is False

        us.mirror.start()
        # Its worker reads the commands of the tail once more: they stay with the tail.
        await eu.come_back(commits)

        texts: list[str] = []

        async def follows() -> bool:
            nonlocal texts
            eu.supervise()
            try:
                async with Person(eu.chat, "mia") as again:
                    texts = [one["text"] for one in await again.history(room)]
            except (aiohttp.ClientError, AssertionError):
                return False
            return texts == [*(f"before {n}" for n in range(5)), *his.messages(room)[5:]]

        await until(follows, lambda: f"there are {texts}", within=60)
        code, said = await eu.chat.parley("regions", "tail")
        print(said)
        assert code == 1
        assert all(f"tail {number}" in said for number in range(3))
        assert "message.deleted (seq 8)" in said
        code, said = await eu.chat.parley("regions", "tail", "--offer")
        print(said)
        assert code == 0, said
        messages = await noa.history(room)
        # Those that have the numbers of the tail are as they were.
        assert [one["text"] for one in messages[5:7]] == his.messages(room)[5:]
        assert all(not one.get("reactions") and "edited_ms" not in one for one in messages[5:7])
        first, reply, last = messages[7:]
        assert (first["text"], list(first["reactions"])) == ("tail 0, edited", ["👍"])
        assert (reply["text"], reply["reply_to"]) == ("tail 1", first["seq"])
        assert last.get("deleted"), last
        code, said = await eu.chat.parley("regions", "tail")
        assert code == 0, said
    for region in regions.values():
        await verifies(region)
