"""Sync, typing, presence."""

from __future__ import annotations

from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


async def test_a_snapshot_and_the_stream_from_its_cursor_join_without_a_gap(chat: Chat) -> None:
    async with Person(chat, "sue") as sue, Person(chat, "ann") as ann:
        room = await ann.open_room("sue")
        await ann.say(room, "before")
        _, snapshot = await sue.get("/v1/sync")
        [shown] = [one for one in snapshot["rooms"] if one["room"] == room]
        assert (shown["seq"], shown["unread"], shown["members_n"]) == (1, 1, 2)
        await ann.say(room, "after")
        async with Listener(chat, "sue", snapshot["cursor"]) as stream:
            await stream.until(lambda: stream.messages(room) == ["after"])


async def test_what_each_room_has_beyond_is_given_or_said_to_be_more(chat: Chat) -> None:
    async with Person(chat, "sid") as sid, Person(chat, "ann") as ann:
        few, many, none = [await ann.open_room("sid") for _ in range(3)]
        other = await ann.open_room()
        for room, count in ((few, 3), (many, 120)):
            for i in range(count):
                await ann.post(f"/v1/rooms/{room}/messages", {"text": f"{i}"}, Prefer="wait=0")
        await ann.say(many, "last")
        await ann.say(few, "last")
        known = {few: 3, many: 2, none: 2, other: 0}
        status, answer = await sid.post("/v1/sync", {"rooms": known})
        assert status == 200, answer
        assert [event["n"] for event in answer["rooms"][few]["events"]] == [4, 5, 6]
        assert answer["rooms"][few]["limited"] is False
        assert len(answer["rooms"][many]["events"]) == 100
        assert answer["rooms"][many]["limited"] is True
        assert none not in answer["rooms"]
        assert answer["gone"] == [other]


async def test_as_many_rooms_with_as_long_ids_as_there_may_be_are_asked_about_at_once(
    chat: Chat,
) -> None:
    async with Person(chat, "max") as person:
        rooms = {f"{i:064}": 2**53 for i in range(1000)}
        status, answer = await person.post("/v1/sync", {"rooms": rooms})
        assert (status, len(answer["gone"])) == (200, 1000)
        status, answer = await person.post("/v1/sync", {"rooms": rooms | {"one-more": 1}})
        assert (status, answer["field"]) == (400, "rooms")


async def test_typing_is_seen_by_the_room_and_kept_by_nobody(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Listener(chat, "tim") as tim:
        room = await ann.open_room("tim")
        await tim.until(lambda: tim.numbers(room) == [2])
        cursor = tim.cursor
        async with ann.http.post(f"/v1/rooms/{room}/typing") as answer:
            assert answer.status == 204
        await tim.until(lambda: tim.events[-1]["kind"] == "typing")
        assert tim.events[-1] == {"kind": "typing", "room": room, "user": "ann"}
        assert tim.cursor == cursor
        async with (
            Person(chat, "mallory") as mallory,
            mallory.http.post(f"/v1/rooms/{room}/typing") as answer,
        ):
            assert answer.status == 404


async def test_presence_is_seen_by_those_who_share_a_room(chat: Chat) -> None:
    async with Person(chat, "pru") as pru, Person(chat, "pip") as pip:
        await pru.open_room("pip")

        async def seen(asks: Person) -> str | None:
            _, answer = await asks.get("/v1/presence", user="pip")
            found = answer["presence"].get("pip")
            return found and str(found["status"])

        assert await seen(pru) == "offline"
        async with Person(chat, "stranger") as stranger, Listener(chat, "pip"):

            async def online() -> bool:
                return await seen(pru) == "online"

            await until(online)
            assert await seen(stranger) is None
            async with pip.http.put("/v1/presence", json={"status": "away"}) as answer:
                assert answer.status == 204
            assert await seen(pru) == "away"
            await pip.http.put("/v1/presence", json={"status": "online"})
        assert await seen(pru) == "online"
