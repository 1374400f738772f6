"""The stream: complete, in order, once; resumed at any edge, over either transport."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis import asyncio as aioredis

from app.delivery import keys
from app.domain import cursor as cursors
from app.events import decode_connection
from app.kafka.partition_reader import PartitionReader
from app.runtime.derived_keys import KeyRing, Purpose
from app.runtime.dev_tokens import mint
from app.topics import CONNECTIONS, partition_of
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person
from web.auth.jwt_rules import LEEWAY


async def poll(chat: Chat, user: str, cursor: str, **query: Any) -> dict[str, Any]:
    async with Person(chat, user) as person:
        status, answer = await person.get("/v1/events", cursor=cursor, **query)
        assert status == 200, answer
        return answer


async def test_two_readers_see_each_message_once_in_one_order(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        async with Listener(chat, "ann") as one, Listener(chat, "ben") as two:
            await asyncio.gather(
                *(
                    person.say(room, f"{person.user} {i}")
                    for i in range(25)
                    for person in (ann, ben)
                )
            )
            await one.until(lambda: len(one.messages(room)) == 50)
            await two.until(lambda: len(two.messages(room)) == 50)
        assert one.messages(room) == two.messages(room)
        assert one.numbers(room) == list(range(3, 53))
        assert [event["text"] for event in await ann.history(room)] == one.messages(room)


async def test_a_stream_resumes_at_another_edge(chat: Chat) -> None:
    other = chat.urls[1] if len(chat.urls) > 1 else await chat.start_edge()
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        async with Listener(chat, "ben") as first:
            await ann.say(room, "one")
            await first.until(lambda: first.messages(room) == ["one"])
        for text in ("two", "three"):
            await ann.say(room, text)
        async with Listener(chat, "ben", first.cursor, other) as second:
            assert second.hello["recovered"] is True
            await ann.say(room, "four")
            await second.until(lambda: len(second.messages(room)) == 3)
    assert second.messages(room) == ["two", "three", "four"]


async def test_polls_and_streams_go_on_from_each_other_at_other_edges(chat: Chat) -> None:
    """Each change of the transport is a change of the edge, with something said in between."""
    other = chat.urls[1] if len(chat.urls) > 1 else await chat.start_edge()
    async with Person(chat, "ann") as ann, Person(chat, "fay", other) as elsewhere:
        room = await ann.open_room("fay")
        _, answer = await elsewhere.get("/v1/events")
        texts = []
        for turn in range(3):
            await ann.say(room, f"to a stream {turn}")
            async with Listener(chat, "fay", answer["cursor"]) as listener:
                await ann.say(room, f"live {turn}")
                await listener.until(lambda one=listener: len(one.messages(room)) == 2)
            texts += listener.messages(room)
            await ann.say(room, f"to a poll {turn}")
            await ann.say(room, f"and another {turn}")
            got: list[str] = []
            cursor = listener.cursor
            while len(got) < 2:
                status, answer = await elsewhere.get("/v1/events", cursor=cursor, timeout=20)
                assert (status, answer["recovered"]) == (200, True)
                got += [event["text"] for event in answer["events"] if "text" in event]
                cursor = answer["cursor"]
            texts += got
    said = ("to a stream", "live", "to a poll", "and another")
    assert texts == [f"{text} {turn}" for turn in range(3) for text in said]


@pytest.mark.parametrize("name", ["cursor", "last_event_id", "lastEventId"])
async def test_a_stream_resumes_from_a_cursor_in_its_address_and_sooner_from_the_header(
    chat: Chat, name: str
) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("gus")
        old = (await poll(chat, "gus", "", timeout=0))["cursor"]
        await ann.say(room, "one")
        new = (await poll(chat, "gus", old))["cursor"]
        for header, cursor in (("", old), (new, old)):
            url = f"{chat.url}/v1/stream?{name}={cursor}"
            async with Listener(chat, "gus", header, address=url) as gus:
                await ann.say(room, "last")
                await gus.until(lambda gus=gus: gus.messages(room)[-1:] == ["last"])
            expected = ["one"] if not header else []
            assert [text for text in gus.messages(room) if text != "last"] == expected


async def test_resuming_from_every_cursor_gives_what_came_after_it(chat: Chat) -> None:
    async with Person(chat, "eve") as eve:
        rooms = [await eve.open_room() for _ in range(3)]
        async with Listener(chat, "eve") as whole:
            steps: list[str] = [whole.cursor]
            for i in range(9):
                await eve.say(rooms[i % 3], f"{i}")
                await whole.until(lambda i=i: len(whole.messages()) == i + 1)
                steps.append(whole.cursor)
        for place, cursor in enumerate(steps):
            left = [str(i) for i in range(place, 9)]
            answer = await poll(chat, "eve", cursor, timeout=0)
            assert sorted(event["text"] for event in answer["events"]) == left
            assert answer["recovered"] is True
            after = await poll(chat, "eve", answer["cursor"], timeout=0)
            assert after["events"] == []


async def test_a_poll_gives_pages_that_put_together_are_the_stream(chat: Chat) -> None:
    async with Person(chat, "pia") as pia:
        room = await pia.open_room()
        start = (await pia.get("/v1/events"))[1]["cursor"]
        for i in range(7):
            await pia.say(room, f"{i}")
        texts: list[str] = []
        cursor, has_more = start, True
        while has_more:
            answer = await poll(chat, "pia", cursor, limit=3, timeout=0)
            texts += [event["text"] for event in answer["events"]]
            cursor, has_more = answer["cursor"], answer["has_more"]
    assert texts == [str(i) for i in range(7)]


async def test_a_waiting_poll_answers_when_something_comes(chat: Chat) -> None:
    async with Person(chat, "pat") as pat:
        room = await pat.open_room()
        cursor = (await pat.get("/v1/events"))[1]["cursor"]
        waiting = asyncio.create_task(pat.get("/v1/events", cursor=cursor, timeout=50))
        await pat.say(room, "at last")
        _, answer = await asyncio.wait_for(waiting, 20)
        assert [event["text"] for event in answer["events"]] == ["at last"]


async def test_a_poll_with_nothing_to_say_answers_in_time_with_a_cursor(chat: Chat) -> None:
    async with Person(chat, "pam") as pam:
        await pam.open_room()
        cursor = (await pam.get("/v1/events"))[1]["cursor"]
        _, answer = await pam.get("/v1/events", cursor=cursor, timeout=1)
    assert answer["events"] == []
    assert answer["recovered"] is True


async def test_somebody_who_is_added_gets_the_room_without_reconnecting(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Listener(chat, "new") as new:
        room = await ann.open_room()
        await ann.say(room, "before")
        status, added = await ann.post(f"/v1/rooms/{room}/members", {"user": "new"})
        assert status == 201
        await ann.say(room, "after")
        await new.until(lambda: new.messages(room) == ["after"])
        assert new.numbers(room) == [added["n"], added["n"] + 1]


async def test_who_is_no_member_gets_nothing(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Listener(chat, "mallory") as mallory:
        room, common = await ann.open_room(), await ann.open_room("mallory")
        await ann.say(room, "secret")
        await ann.say(common, "open")
        await mallory.until(lambda: mallory.messages() == ["open"])
        assert (await mallory_poll(chat, mallory.hello["cursor"])) == ["open"]
        async with Person(chat, "mallory") as person:
            assert (await person.get(f"/v1/rooms/{room}/messages"))[0] == 404


async def mallory_poll(chat: Chat, cursor: str) -> list[str]:
    answer = await poll(chat, "mallory", cursor, timeout=0)
    return [event["text"] for event in answer["events"] if "text" in event]


async def test_a_cursor_of_another_log_is_told_to_start_over(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("otto")
        async with Listener(chat, "otto") as before:
            pass
        known = cursors.decode(before.cursor, keys_of(chat))
        other = cursors.encode(cursors.digest_of("another"), known.nexts, keys_of(chat)[0])
        async with Listener(chat, "otto", other) as listener:
            assert listener.hello["recovered"] is False
            await listener.until(lambda: bool(listener.events))
            assert listener.events[0] == {"kind": "reset", "rooms": listener.hello["rooms"]}
            await ann.say(room, "live")
            await listener.until(lambda: listener.messages(room) == ["live"])


async def test_a_window_that_no_longer_reaches_back_is_told_by_room(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        short, long = await ann.open_room("wim"), await ann.open_room("wim")
        async with Listener(chat, "wim") as before:
            pass
        for i in range(3):
            await ann.say(short, f"{i}")
            await ann.say(long, f"{i}")
        partition = partition_of(short, chat.settings.partitions)
        async with aioredis.from_url(chat.settings.redis) as redis:
            await redis.hdel(keys.log(partition, short), "1", "2", "3")
        answer = await poll(chat, "wim", before.cursor, timeout=0)
    assert answer["recovered"] is False
    assert answer["events"][0] == {"kind": "reset", "rooms": [short]}
    assert [event["text"] for event in answer["events"][1:]] == ["0", "1", "2"]


async def test_a_lost_subscription_loses_no_event(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("lea")
        async with Listener(chat, "lea") as lea, aioredis.from_url(chat.settings.redis) as redis:
            for i in range(30):
                if i % 10 == 5:
                    await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
                await ann.post(f"/v1/rooms/{room}/messages", {"text": f"{i}"}, Prefer="wait=0")
            await lea.until(lambda: len(lea.messages(room)) == 30)
            assert lea.messages(room) == [str(i) for i in range(30)]
            assert lea.numbers(room) == list(range(3, 33))


async def test_an_event_whose_publication_was_lost_is_fetched(chat: Chat) -> None:
    """Lost with nothing after it: only the mark can tell."""
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("tia")
        partition = partition_of(room, chat.settings.partitions)
        async with Listener(chat, "tia") as tia, aioredis.from_url(chat.settings.redis) as redis:
            await ann.say(room, "first")
            await tia.until(lambda: tia.messages(room) == ["first"])
            event = b'{"kind":"message.created","room":"%b","n":4,"text":"lost"}' % room.encode()
            offset = await redis.hget(keys.room(partition, room), "offset")
            await redis.hset(keys.log(partition, room), "4", offset + b" " + event)
            await redis.hset(keys.room(partition, room), "n", "4")
            await tia.until(lambda: tia.messages(room) == ["first", "lost"], within=5)


@pytest.mark.parametrize(
    ("token", "code"),
    [("%%%", "cursor_malformed"), ("AAAA", "cursor_malformed"), ("A" * 40, "cursor_foreign")],
)
async def test_a_bad_cursor_is_refused(chat: Chat, token: str, code: str) -> None:
    async with Person(chat, "ann") as ann:
        for path in ("/v1/stream", "/v1/events"):
            status, answer = await ann.get(path, cursor=token)
            assert (status, answer["code"]) == (400, code)


async def test_a_stream_is_noted_when_it_opens_and_closes(chat: Chat) -> None:

    partition = partition_of("nell", chat.settings.partitions)

    async def noted() -> list[tuple[str, str]]:
        async with PartitionReader(chat.settings) as reader:
            found = [
                decode_connection(r.value) async for r in reader.read(CONNECTIONS, partition, 0)
            ]
        return [(record.what, record.why) for record in found if record.user == "nell"]

    async with Listener(chat, "nell"):
        await until(lambda: _is(noted, [("opened", "")]))
    await until(lambda: _is(noted, [("opened", ""), ("closed", "gone")]))


async def _is(read: Any, expected: Any) -> bool:
    return bool(await read() == expected)


def keys_of(chat: Chat) -> list[bytes]:
    """The keys that the deployment signs cursors with."""
    keys = KeyRing(chat.settings.secret).keys(Purpose.CURSOR, b"cursor")
    return [one.key for one in keys]


async def test_a_stream_ends_with_the_token_that_opened_it(chat: Chat) -> None:
    token = mint(chat.settings, "tod", life=-LEEWAY + 4)
    async with Listener(chat, "tod", token=token) as tod:
        await tod.until(lambda: bool(tod.goodbye), within=7)
        assert tod.goodbye["code"] == "token_expired"
