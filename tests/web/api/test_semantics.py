"""What docs/semantics.md says about rooms and messages, where no other test holds it."""

from __future__ import annotations

from typing import Any

from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person
from tests.web.api.test_chat import call, unread


async def done(person: Person, method: str, path: str, body: Any = None) -> None:
    status, answer = await call(person, method, path, body)
    assert status in (200, 201), answer


async def test_an_edit_may_add_a_mention_and_takes_none_away(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "mia") as mia:
        room = await ann.open_room("mia")
        for text in ("nobody", "@mia", "nobody"):
            await ann.say(room, text)
        assert await unread(mia, room) == (3, 1)
        messages = f"/v1/rooms/{room}/messages"
        await done(ann, "PATCH", f"{messages}/1", {"text": "now @room"})
        assert await unread(mia, room) == (3, 2)
        await done(ann, "PATCH", f"{messages}/2", {"text": "nobody"})
        assert await unread(mia, room) == (3, 2)
        await done(mia, "PUT", f"/v1/rooms/{room}/read", {"seq": 3})
        await done(ann, "PATCH", f"{messages}/3", {"text": "@mia, too late"})
        assert await unread(mia, room) == (0, 0)


async def test_a_receipt_stays_what_it_is_after_an_edit_and_a_deletion(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "rob") as rob:
        room = await ann.open_room("rob")
        for text in ("one", "two", "three"):
            await ann.say(room, text)
        await done(rob, "PUT", f"/v1/rooms/{room}/read", {"seq": 2})
        await done(ann, "PATCH", f"/v1/rooms/{room}/messages/1", {"text": "uno"})
        await done(ann, "DELETE", f"/v1/rooms/{room}/messages/2")
        _, answer = await ann.get(f"/v1/rooms/{room}/receipts")
        assert answer["read"] == {"ann": 3, "rob": 2}
        _, answer = await ann.get(f"/v1/rooms/{room}/receipts", seq=2)
        assert answer["by"] == ["ann", "rob"]
        assert await unread(rob, room) == (1, 0)


async def test_who_comes_back_can_read_what_was_missed_and_has_nothing_unread(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "bob") as bob:
        room = await ann.open_room("bob")
        await bob.say(room, "mine")
        members = f"/v1/rooms/{room}/members"
        await done(ann, "PATCH", f"{members}/bob", {"role": "moderator"})
        await done(bob, "DELETE", f"{members}/bob")
        await ann.say(room, "without @bob")
        async with Listener(chat, "bob") as stream:
            await done(ann, "POST", members, {"user": "bob"})
            await ann.say(room, "with him")
            await stream.until(lambda: stream.messages(room) == ["with him"])
            assert stream.events[0]["kind"] == "member.added"
        assert await unread(bob, room) == (1, 0)
        texts = [message["text"] for message in await bob.history(room)]
        assert texts == ["mine", "without @bob", "with him"]
        _, answer = await bob.get(members)
        assert {"user": "bob", "role": "member"} in answer["members"]


async def test_the_name_of_somebody_outside_stays_text(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "out") as out:
        room = await ann.open_room()
        await ann.say(room, "@out should see this")
        [message] = await ann.history(room)
        assert "mentions" not in message
        await done(ann, "POST", f"/v1/rooms/{room}/members", {"user": "out"})
        assert await unread(out, room) == (0, 0)


async def test_of_many_edits_the_last_counts_and_older_texts_are_gone(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        await ann.say(room, "first")
        for text in ("second", "third"):
            await done(ann, "PATCH", f"/v1/rooms/{room}/messages/1", {"text": text})
        assert [message["text"] for message in await ann.history(room)] == ["third"]
        _, answer = await ann.post("/v1/sync", {"rooms": {room: 1}})
        events = answer["rooms"][room]["events"]
        assert [event["text"] for event in events] == ["third", "", "third"]
        assert [event.get("prev", 0) for event in events[1:]] == [0, 3]


async def test_a_direct_room_with_oneself_has_one_member_and_nothing_unread(chat: Chat) -> None:
    async with Person(chat, "solo") as solo:
        status, answer = await solo.post("/v1/rooms", {"type": "direct", "user": "solo"})
        assert status == 201
        room = answer["room"]
        await solo.say(room, "a note to @solo")
        assert await unread(solo, room) == (0, 0)
        _, answer = await solo.get(f"/v1/rooms/{room}")
        assert (answer["users"], answer["member_count"]) == (["solo"], 1)


async def test_a_message_names_the_moderator_whose_text_it_has(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        seq = (await ben.say(room, "bens words"))["seq"]
        one = f"/v1/rooms/{room}/messages/{seq}"

        async def edited_by(editor: Person, text: str) -> str:
            status, answer = await call(editor, "PATCH", one, {"text": text})
            assert status == 200, answer
            [shown] = await ben.history(room)
            assert (shown["by"], shown["text"]) == ("ben", text)
            return str(shown.get("edited_by", ""))

        assert await edited_by(ben, "still bens") == ""
        assert await edited_by(ann, "anns words") == "ann"
        assert await edited_by(ben, "bens again") == ""


async def test_neither_of_a_direct_room_may_edit_or_delete_what_the_other_said(
    chat: Chat,
) -> None:
    async with Person(chat, "duo") as duo, Person(chat, "ann") as ann:
        _, answer = await duo.post("/v1/rooms", {"type": "direct", "user": "ann"})
        one = f"/v1/rooms/{answer['room']}/messages/1"
        await duo.say(answer["room"], "mine")
        assert (await call(ann, "PATCH", one, {"text": "hers"}))[1]["code"] == "not_allowed"
        assert (await call(ann, "DELETE", one))[1]["code"] == "not_allowed"
        await done(duo, "DELETE", one)


async def test_a_rename_changes_the_name_and_nothing_before_it(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as stream:
        room = await ann.open_room()
        await ann.say(room, "before")
        for name in ("Tea", "Tea"):
            await done(ann, "PATCH", f"/v1/rooms/{room}", {"name": name})
        _, answer = await ann.get(f"/v1/rooms/{room}")
        assert (answer["room"], answer["name"], answer["seq"]) == (room, "Tea", 1)
        await stream.until(lambda: stream.numbers(room) == [1, 2, 3, 4])
        assert [event.get("name") for event in stream.events] == ["", None, "Tea", "Tea"]


async def test_replies_stay_where_what_they_answer_is_deleted(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        messages = f"/v1/rooms/{room}/messages"
        await ann.say(room, "root")
        await done(ann, "POST", messages, {"text": "below", "thread": 1, "reply_to": 1})
        await done(ann, "DELETE", f"{messages}/1")
        await done(ann, "POST", messages, {"text": "still below", "thread": 1})
        status, answer = await ann.post(messages, {"text": "to what is gone", "reply_to": 1})
        assert (status, answer["code"]) == (410, "message_gone")

        async def below() -> bool:
            _, page = await ann.get(messages, thread=1)
            return [message["text"] for message in page["messages"]] == ["below", "still below"]

        await until(below)
        assert (await ann.history(room))[1]["reply_to"] == 1
