"""Rooms, roles, messages, reactions, receipts and unread, as clients use them."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


async def call(
    person: Person, method: str, path: str, body: Any = None, **query: Any
) -> tuple[int, dict[str, Any]]:
    async with person.http.request(method, path, json=body, params=query) as answer:
        return answer.status, await answer.json(content_type=None)


async def unread(person: Person, room: str) -> tuple[int, int]:
    status, answer = await call(person, "GET", f"/v1/rooms/{room}")
    assert status == 200, answer
    return answer["unread"], answer["mentions"]


async def test_a_direct_room_is_one_whoever_opens_it(chat: Chat) -> None:
    async with Person(chat, "dora") as dora, Person(chat, "emil") as emil:
        one, other = await asyncio.gather(
            dora.post("/v1/rooms", {"type": "direct", "user": "emil"}),
            emil.post("/v1/rooms", {"type": "direct", "user": "dora"}),
        )
        assert sorted([one[0], other[0]]) == [200, 201]
        assert one[1]["room"] == other[1]["room"]
        room = one[1]["room"]
        await emil.say(room, "hello")
        assert await unread(dora, room) == (1, 0)
        status, answer = await dora.post(f"/v1/rooms/{room}/members", {"user": "fred"})
        assert (status, answer["code"]) == (403, "not_allowed")
        status, answer = await dora.post("/v1/rooms", {"type": "direct", "user": "dora"})
        assert status == 201
        await dora.say(answer["room"], "a note to oneself")


async def test_who_is_removed_sees_nothing_any_more(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "rex") as rex:
        room = await ann.open_room("rex")
        async with Listener(chat, "rex") as listener:
            await ann.say(room, "one")
            await listener.until(lambda: listener.messages(room) == ["one"])
            status, _ = await call(ann, "DELETE", f"/v1/rooms/{room}/members/rex")
            assert status == 200
            await ann.say(room, "two")
            other = await ann.open_room("rex")
            await ann.say(other, "elsewhere")
            await listener.until(lambda: listener.messages(other) == ["elsewhere"])
            assert listener.messages(room) == ["one"]
            assert listener.events[1]["kind"] == "member.removed"
        async with Listener(chat, "rex", listener.hello["cursor"]) as again:
            await again.until(lambda: again.messages(other) == ["elsewhere"])
            assert again.messages(room) == []
        assert (await rex.get(f"/v1/rooms/{room}/messages"))[0] == 404
        status, answer = await rex.post(f"/v1/rooms/{room}/messages", {"text": "x"})
        assert (status, answer["code"]) == (404, "room_unknown")


async def test_roles_are_given_handed_over_and_kept(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben", "cid")
        members = f"/v1/rooms/{room}/members"
        assert (await call(ben, "DELETE", f"{members}/cid"))[0] == 403
        assert (await call(ann, "PATCH", f"{members}/ben", {"role": "moderator"}))[0] == 200
        assert (await call(ben, "DELETE", f"{members}/cid"))[0] == 200
        status, answer = await call(ann, "DELETE", f"{members}/ann")
        assert (status, answer["code"]) == (409, "owner_stays")
        assert (await call(ann, "PATCH", f"{members}/ben", {"role": "owner"}))[0] == 200
        assert (await call(ann, "DELETE", f"{members}/ann"))[0] == 200
        _, answer = await ben.get(members)
        assert answer == {
            "members": [{"user": "ben", "role": "owner"}],
            "has_more": False,
            "count": 1,
        }


async def test_a_message_is_edited_reacted_to_and_deleted(chat: Chat) -> None:
    async with (
        Person(chat, "ann") as ann,
        Person(chat, "ben") as ben,
        Listener(chat, "ben") as listener,
    ):
        room = await ann.open_room("ben")
        seq = (await ann.say(room, "helo"))["seq"]
        one = f"/v1/rooms/{room}/messages/{seq}"
        status, answer = await call(ben, "PATCH", one, {"text": "mine"})
        assert (status, answer["code"]) == (403, "not_allowed")
        assert (await call(ann, "PATCH", one, {"text": "hello"}))[0] == 200
        thumb = f"{one}/reactions/{quote('👍')}"
        assert (await call(ben, "PUT", thumb))[0] == 200
        assert (await call(ben, "PUT", thumb))[1]["repeated"] is True
        assert (await call(ben, "DELETE", thumb))[0] == 200
        assert (await call(ben, "DELETE", thumb))[1]["code"] == "reaction_unknown"
        assert (await call(ann, "DELETE", one))[0] == 200
        assert (await call(ann, "DELETE", one))[1]["code"] == "message_gone"
        kinds = ["message.edited", "reaction.added", "reaction.removed", "message.deleted"]
        await listener.until(
            lambda: listener.events[-1:] and listener.events[-1]["kind"] == kinds[3]
        )
        assert [event["kind"] for event in listener.events[-4:]] == kinds


async def test_unread_adds_up_on_every_device(chat: Chat) -> None:
    async with Person(chat, "una") as una, Person(chat, "ann") as ann:
        room, other = await ann.open_room("una"), await ann.open_room("una")
        assert (await una.get("/v1/unread"))[1] == {"unread": 0, "mentions": 0, "rooms": {}}
        for i in range(4):
            await ann.say(room, f"{i} @una" if i == 2 else f"{i}")
        await ann.say(other, "@room!")
        async with Listener(chat, "una") as second:
            _, answer = await una.get("/v1/unread")
            assert (answer["unread"], answer["mentions"]) == (5, 2)
            status, answer = await call(una, "PUT", f"/v1/rooms/{room}/read", {"seq": 2})
            assert (status, answer) == (200, {"room": room, "read": 2, "unread": 2, "mentions": 1})
            await second.until(lambda: any(e["kind"] == "unread" for e in second.events))
            told = next(event for event in second.events if event["kind"] == "unread")
            assert told == {"kind": "unread", "room": room, "read": 2, "unread": 2, "mentions": 1}
            _, answer = await call(una, "PUT", f"/v1/rooms/{room}/read", {"seq": 1})
            assert answer["read"] == 2
            assert (await call(ann, "DELETE", f"/v1/rooms/{room}/messages/3"))[0] == 200
            assert await unread(una, room) == (1, 0)
            await una.say(room, "I am here")
            assert await unread(una, room) == (0, 0)
            await second.until(lambda: any(e["kind"] == "receipts" for e in second.events))
        status, answer = await call(una, "PUT", f"/v1/rooms/{room}/read", {"seq": 99})
        assert (status, answer["code"]) == (422, "read_beyond_head")
        _, answer = await ann.get(f"/v1/rooms/{room}/receipts")
        assert answer == {"room": room, "seq": 5, "read": {"ann": 4, "una": 5}}
        _, answer = await ann.get(f"/v1/rooms/{room}/receipts", seq=5)
        assert (answer["count"], answer["by"]) == (1, ["una"])


async def test_rooms_are_listed_by_newest_activity_with_what_is_unread(chat: Chat) -> None:
    async with Person(chat, "lis") as lis, Person(chat, "ann") as ann:
        rooms = [await ann.open_room("lis") for _ in range(3)]
        for room in (rooms[1], rooms[0]):
            await ann.say(room, f"in {room}")
        _, answer = await lis.get("/v1/rooms")
        assert [shown["room"] for shown in answer["rooms"]] == [rooms[0], rooms[1], rooms[2]]
        assert [shown["unread"] for shown in answer["rooms"]] == [1, 1, 0]
        assert answer["rooms"][0]["last"] == {"seq": 1, "by": "ann", "text": f"in {rooms[0]}"}
        _, first = await lis.get("/v1/rooms", limit=2)
        _, rest = await lis.get("/v1/rooms", limit=2, after=first["after"])
        assert [shown["room"] for shown in rest["rooms"]] == [rooms[2]]
        assert "after" not in rest
        assert (first["has_more"], rest["has_more"]) == (True, False)
        _, rest = await lis.get("/v1/rooms", limit=2, after=first["rooms"][-1]["room"])
        assert [shown["room"] for shown in rest["rooms"]] == [rooms[2]]
        for wrong in ("not-a-room", "1.2", "x.2.room"):
            status, answer = await lis.get("/v1/rooms", after=wrong)
            assert (status, answer["parameter"]) == (400, "after")


async def test_rooms_that_get_messages_between_pages_are_each_shown_once(chat: Chat) -> None:
    async with Person(chat, "pat") as pat:
        rooms = [await pat.open_room() for _ in range(6)]
        for room in rooms:
            await pat.say(room, "one")
        _, answer = await pat.get("/v1/rooms", limit=2)
        seen = [shown["room"] for shown in answer["rooms"]]
        # The last that was shown, one that was not, and one that is new.
        for room in (seen[-1], rooms[0], rooms[0], await pat.open_room()):
            await pat.say(room, "bumped")
        while answer["has_more"]:
            _, answer = await pat.get("/v1/rooms", limit=2, after=answer["after"])
            seen += [shown["room"] for shown in answer["rooms"]]
        assert seen[:6] == rooms[::-1]
        assert len(set(seen)) == len(seen) == 7


async def test_an_archived_room_can_be_left(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "lea") as lea:
        room = await ann.open_room("lea")
        assert (await call(ann, "PATCH", f"/v1/rooms/{room}", {"archived": True}))[0] == 200
        assert (await call(lea, "DELETE", f"/v1/rooms/{room}/members/lea"))[0] == 200
        _, mine = await lea.get("/v1/rooms")
        assert room not in [shown["room"] for shown in mine["rooms"]]


async def test_a_room_is_renamed_slowed_and_archived(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        path = f"/v1/rooms/{room}"
        assert (await call(ben, "PATCH", path, {"name": "ours"}))[0] == 403
        changes = {"name": "Ours", "topic": "all of it", "settings": {"slow_mode": 60}}
        assert (await call(ann, "PATCH", path, changes))[0] == 200
        _, answer = await ben.get(path)
        assert (answer["name"], answer["topic"]) == ("Ours", "all of it")
        assert answer["settings"] == {
            "slow_mode": 60,
            "post": "member",
            "receipts": True,
            "retention_days": 0,
        }
        await ben.say(room, "one")
        status, answer = await ben.post(f"{path}/messages", {"text": "two"})
        assert (status, answer["code"]) == (403, "slow_mode")
        assert (await call(ann, "PATCH", path, {"archived": True}))[0] == 200
        status, answer = await ann.post(f"{path}/messages", {"text": "late"})
        assert (status, answer["code"]) == (409, "room_archived")


async def test_replies_threads_and_meta_come_through(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room()
        root = (await ann.say(room, "root"))["seq"]
        extra = {
            "text": "in thread",
            "thread": root,
            "reply_to": root,
            "meta": {"mood": "good"},
        }
        status, answer = await ann.post(f"/v1/rooms/{room}/messages", extra)
        assert status == 201, answer
        await listener.until(lambda: listener.messages(room) == ["root", "in thread"])
        event = listener.events[-1]
        assert {name: event[name] for name in extra} == extra
        path = f"/v1/rooms/{room}/messages"
        status, answer = await ann.post(path, {"text": "x", "reply_to": 99})
        assert (status, answer["code"]) == (404, "message_unknown")
        status, answer = await ann.post(path, {"text": "x", "meta": {"a": 10**30}})
        assert (status, answer["code"]) == (400, "field_value")
        status, answer = await ann.post(path, {"text": "x", "meta": {"a": "x" * 3000}})
        assert (status, answer["code"]) == (400, "field_value")


async def test_a_thousand_receipts_come_as_a_few_events_and_stay_exact(chat: Chat) -> None:
    people = [f"reader{i}" for i in range(60)]
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room(*people)
        seq = (await ann.say(room, "read this"))["seq"]

        async def reads(user: str) -> None:
            async with Person(chat, user) as person:
                assert (await call(person, "PUT", f"/v1/rooms/{room}/read", {"seq": seq}))[0] == 200

        await asyncio.gather(*(reads(user) for user in people))

        def told() -> dict[str, int]:
            found: dict[str, int] = {}
            for event in listener.events:
                if event["kind"] == "receipts":
                    found |= event["read"]
            return found

        await listener.until(lambda: len(told()) >= len(people))
        events = [event for event in listener.events if event["kind"] == "receipts"]
        assert len(events) <= 12
        assert {user: told()[user] for user in people} == dict.fromkeys(people, seq)

        async def all_read() -> bool:
            _, answer = await ann.get(f"/v1/rooms/{room}/receipts", seq=seq)
            return bool(answer["count"] == len(people) + 1)

        await until(all_read)
