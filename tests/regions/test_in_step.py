"""Rooms that are at home in one region are read and written in both, in one order."""

from __future__ import annotations

import secrets
from functools import partial

import aiohttp
import pytest

from app.operations.region_status import missing_events
from app.runtime.dev_tokens import mint
from app.topics import partition_of
from tests.regions.two_regions import NAMES, Region
from tests.support.chat import Chat, until
from tests.support.collector import Collector
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = pytest.mark.timeout(300)

Regions = dict[str, Region]


def home_of(room: str, regions: Regions) -> str:
    """The homes of a new deployment alternate."""
    return NAMES[partition_of(room, regions["eu"].chat.settings.partitions) % 2]


async def test_a_room_is_at_home_where_it_was_opened(regions: Regions) -> None:
    for name, region in regions.items():
        async with Person(region.chat, "ann") as ann:
            for _ in range(5):
                status, made = await ann.post("/v1/rooms", {})
                assert status == 201
                assert home_of(made["room"], regions) == name


async def history(chat: Chat, user: str, room: str) -> list[tuple[int, str]]:
    async with Person(chat, user) as person:
        return [(one["seq"], one["text"]) for one in await person.history(room)]


async def test_people_of_both_regions_talk_in_one_order_and_with_one_count(
    regions: Regions,
) -> None:
    eu, us = (regions[name].chat for name in NAMES)
    async with (
        Person(eu, "ann") as ann,
        Person(us, "ben") as ben,
        Listener(eu, "ann") as hers,
        Listener(us, "ben") as his,
    ):
        status, made = await ann.post("/v1/rooms", {})
        assert status == 201
        room = made["room"]
        status, _ = await ann.post(f"/v1/rooms/{room}/members", {"user": "ben"})
        assert status == 201
        for number in range(5):
            await ann.say(room, f"eu {number}")
            # The answer to a send from elsewhere has its number, like any other.
            assert (await ben.say(room, f"us {number}", wait=10))["seq"] == 2 * number + 2
        await hers.until(lambda: len(hers.messages(room)) == 10)
        await his.until(lambda: len(his.messages(room)) == 10)
        assert hers.messages(room) == his.messages(room)
        assert hers.numbers(room)[1:] == his.numbers(room)  # he joined with the second event

        async with ben.http.put(f"/v1/rooms/{room}/read", json={"seq": 10}) as answer:
            assert answer.status == 200

        cursor = hers.cursor
        await ann.say(room, "one more")
        async with Listener(us, "ann", cursor=cursor) as elsewhere:
            await elsewhere.until(lambda: elsewhere.messages(room) == ["one more"])

        async def read_there() -> bool:
            _, marks = await ann.get(f"/v1/rooms/{room}/receipts")
            return bool(marks["read"].get("ben") == 10)

        await until(read_there, within=20)

        _, left = await ben.get("/v1/unread")
        assert left["unread"] == 1

        async def alike() -> bool:
            return await history(eu, "ann", room) == await history(us, "ben", room)

        await until(alike, within=20)


async def test_a_message_for_a_room_of_another_region_is_one_trace_in_both(
    regions: Regions,
) -> None:
    eu, us = (regions[name].chat for name in NAMES)
    trace = secrets.token_hex(16)
    async with (
        Collector(eu.collector_port) as there,
        Collector(us.collector_port) as here,
        Person(eu, "ann") as ann,
        Person(us, "ben") as ben,
        Listener(eu, "ann") as hers,
        Listener(us, "ben") as his,
    ):
        _, made = await ann.post("/v1/rooms", {})
        room = made["room"]
        await ann.post(f"/v1/rooms/{room}/members", {"user": "ben"})
        await his.until(lambda: his.numbers(room))
        headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01", "Prefer": "wait=10"}
        path = f"/v1/rooms/{room}/messages"
        status, _ = await ben.post(path, {"text": "hello"}, **headers)
        assert status == 201
        for listener in (hers, his):
            await listener.until(lambda it=listener: it.messages(room))  # type: ignore[misc]
            assert trace in listener.events[-1]["trace"]
        await there.until(lambda: len(there.of(trace)) == 4)
        await here.until(lambda: len(here.of(trace)) == 3)
    home, away = there.of(trace), here.of(trace)
    assert home["moderation"].parent == away["POST /v1/rooms/{room}/messages"].id
    assert home["fan_out"].parent == away["fan_out"].parent == home["rooms"].id
    assert home["deliver"].parent == home["fan_out"].id
    assert away["deliver"].parent == away["fan_out"].id


async def test_a_mirror_that_was_killed_brings_what_came_meanwhile(regions: Regions) -> None:
    eu, us = (regions[name].chat for name in NAMES)
    async with Person(eu, "cid") as cid, Listener(us, "dora") as hers:
        _, made = await cid.post("/v1/rooms", {})
        room = made["room"]
        await cid.post(f"/v1/rooms/{room}/members", {"user": "dora"})
        await cid.say(room, "before")
        await hers.until(lambda: hers.messages(room) == ["before"])
        regions["us"].mirror.kill()
        for number in range(20):
            await cid.say(room, f"meanwhile {number}")
        place = partition_of(room, us.settings.partitions)
        [line] = await missing_events(us.settings, longer_than=0)
        assert f"partition {place}: 20 events of eu have not come here" in line
        regions["us"].mirror.start()
        said = ["before", *(f"meanwhile {number}" for number in range(20))]
        await hers.until(lambda: hers.messages(room) == said, within=60)
        assert await missing_events(us.settings, longer_than=0) == []


async def test_a_ban_and_a_rule_set_hold_in_every_region(regions: Regions) -> None:
    eu, us = (regions[name].chat for name in NAMES)
    async with Person(us, "vic") as vic:
        _, made = await vic.post("/v1/rooms", {})
        room = made["room"]
        headers = {"Authorization": f"Bearer {mint(eu.settings, 'root', admin=True)}"}
        async with aiohttp.ClientSession(headers=headers) as admin:
            ban = {"sanction": "ban", "reason": "spam"}
            async with admin.put(f"{eu.url}/v1/sanctions/vic", json=ban) as answer:
                assert answer.status == 200, await answer.text()

            async def refused() -> bool:
                status, _ = await vic.post(f"/v1/rooms/{room}/messages", {"text": "hello"})
                return status == 403

            await until(refused, within=20)
            async with admin.delete(f"{us.url}/v1/sanctions/vic") as answer:
                assert answer.status in (200, 204), await answer.text()

            async def taken_again() -> bool:
                async with Person(eu, "vic") as there:
                    status, _ = await there.post(f"/v1/rooms/{room}/messages", {"text": "again"})
                return status in (200, 201)

            await until(taken_again, within=20)


async def test_both_regions_verify(regions: Regions) -> None:
    for region in regions.values():
        code, said = await region.chat.parley("verify")
        assert code == 0, said


async def test_a_person_with_a_stream_in_one_region_is_present_in_the_other(
    regions: Regions,
) -> None:
    eu, us = (regions[name].chat for name in NAMES)
    async with Person(eu, "ida") as ida, Person(us, "jan") as jan:
        await ida.open_room("jan")

        async def seen() -> str:
            _, body = await jan.get("/v1/presence", user="ida")
            return str(body["presence"].get("ida", {}).get("status"))

        async def is_seen(status: str) -> bool:
            return await seen() == status

        async with Listener(eu, "ida"):
            await until(partial(is_seen, "online"), within=30)
            async with ida.http.put("/v1/presence", json={"status": "away"}) as answer:
                assert answer.status == 204
            await until(partial(is_seen, "away"), within=20)
            async with ida.http.put("/v1/presence", json={"status": "online"}) as answer:
                assert answer.status == 204
            await until(partial(is_seen, "online"), within=20)
