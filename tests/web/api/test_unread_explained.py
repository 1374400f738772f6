"""The explanation of an unread count adds up to it, message by message."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.web.api.test_chat import call
from tests.web.api.test_read_your_writes import archive_stands

PEOPLE = ("eva", "max", "zoe")


async def explained(person: Person, room: str, **query: Any) -> dict[str, Any]:
    status, answer = await person.get("/v1/unread", explain=1, room=room, **query)
    assert status == 200, answer
    found: dict[str, Any] = answer["rooms"][room]
    return found


class Model:
    """A room as one counts by hand: messages by `seq`, and a mark for each user."""

    def __init__(self) -> None:
        self.by: dict[int, str] = {}
        self.naming: dict[int, set[str]] = {}
        self.deleted: set[int] = set()
        self.marks = dict.fromkeys(PEOPLE, 0)
        self.why: dict[str, str] = dict.fromkeys(PEOPLE, "joined")

    def unread(self, user: str) -> list[int]:
        above = range(self.marks[user] + 1, len(self.by) + 1)
        return [seq for seq in above if seq not in self.deleted]


async def one_step(people: dict[str, Person], room: str, model: Model) -> None:
    """One of the things that change counts, chosen at random."""
    user = random.choice(PEOPLE)
    person, path = people[user], f"/v1/rooms/{room}/messages"
    what = random.choice(("say", "say", "say", "reply", "read", "delete", "edit"))
    own = [seq for seq, by in model.by.items() if by == user and seq not in model.deleted]
    if what in ("say", "reply") or not model.by:
        named = random.choice((*PEOPLE, "", ""))
        body: dict[str, Any] = {"text": f"@{named} hello" if named else "hello"}
        if what == "reply" and 1 in model.by and 1 not in model.deleted:
            body["thread"] = 1
        status, answer = await person.post(path, body)
        assert status == 201, answer
        seq = answer["seq"]
        model.by[seq], model.naming[seq] = user, {named}
        model.marks[user], model.why[user] = seq, "sent"
    elif what == "read":
        seq = random.randint(0, len(model.by))
        status, _ = await call(person, "PUT", f"/v1/rooms/{room}/read", {"seq": seq})
        assert status == 200
        if seq > model.marks[user]:
            model.marks[user] = seq
            model.why[user] = "sent" if model.by[seq] == user else "receipt"
    elif own and what == "delete":
        seq = random.choice(own)
        status, _ = await call(person, "DELETE", f"{path}/{seq}")
        assert status == 200
        model.deleted.add(seq)
    elif own:
        status, _ = await call(person, "PATCH", f"{path}/{random.choice(own)}", {"text": "new"})
        assert status == 200


async def check(person: Person, room: str, model: Model) -> None:
    user = person.user
    _, plain = await person.get("/v1/unread")
    figure = plain["rooms"].get(room, {"unread": 0, "mentions": 0})
    found = await explained(person, room)
    counted = [one["seq"] for one in found["messages"] if "why" not in one]
    deleted = [one["seq"] for one in found["messages"] if "why" in one]
    assert counted == model.unread(user)
    assert len(counted) == found["unread"] == figure["unread"]
    assert found["above"] - found["deleted"] == found["unread"]
    assert (found["above"], found["deleted"]) == (len(found["messages"]), len(deleted))
    assert set(deleted) <= model.deleted
    mentions = [one["seq"] for one in found["messages"] if one.get("mention") and "why" not in one]
    assert len(mentions) == found["mentions"] == figure["mentions"]
    assert mentions == [seq for seq in counted if user in model.naming[seq]]
    assert {one["by"] for one in found["messages"] if "why" not in one} <= {*PEOPLE} - {user}
    assert found["mark"]["seq"] == found["read"] == model.marks[user]
    if found["read"] not in model.deleted:
        assert found["mark"]["by"] == model.why[user]


async def test_over_any_history_the_messages_that_count_are_the_figure(chat: Chat) -> None:
    for _ in range(2):
        model = Model()
        async with (
            Person(chat, "eva") as eva,
            Person(chat, "max") as max_,
            Person(chat, "zoe") as zoe,
        ):
            people = {"eva": eva, "max": max_, "zoe": zoe}
            room = await eva.open_room("max", "zoe")
            for _ in range(12):
                for _ in range(3):
                    await one_step(people, room, model)
                await check(people[random.choice(PEOPLE)], room, model)
            for person in people.values():
                await check(person, room, model)


async def test_a_long_list_comes_in_pieces_that_add_up(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        for number in range(12):
            await ann.say(room, f"message {number}")
        await call(ann, "DELETE", f"/v1/rooms/{room}/messages/4")
        pieces, after = [], 0
        while True:
            found = await explained(ben, room, limit=5, after_seq=after)
            assert (found["unread"], found["above"], found["deleted"]) == (11, 12, 1)
            pieces += found["messages"]
            if not found["has_more"]:
                break
            after = pieces[-1]["seq"]
    assert [one["seq"] for one in pieces] == [*range(1, 13)]
    assert [one["seq"] for one in pieces if "why" in one] == [4]


async def test_a_mark_says_where_it_comes_from(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "dan") as dan:
        room = await ann.open_room()
        for number in range(3):
            await ann.say(room, f"message {number}")
        assert (await explained(ann, room))["mark"]["by"] == "sent"
        status, joined = await ann.post(f"/v1/rooms/{room}/members", {"user": "dan"})
        assert status == 201
        assert (await explained(dan, room))["mark"] == {"seq": 3, "by": "joined", "n": joined["n"]}
        for number in range(2):
            await ann.say(room, f"later {number}")
        await call(dan, "PUT", f"/v1/rooms/{room}/read", {"seq": 4})
        found = await explained(dan, room)
        assert found["mark"] == {"seq": 4, "by": "receipt"}
        (message,) = found["messages"]
        assert (message["seq"], message["by"]) == (5, "ann")
        assert message["n"] == found["n"]


async def test_all_rooms_with_unread_messages_are_explained_in_pages(chat: Chat) -> None:
    user = f"pat-{uuid4().hex[:6]}"
    async with Person(chat, "ann") as ann, Person(chat, user) as pat:
        rooms = sorted([await ann.open_room(user) for _ in range(11)])
        for room in rooms:
            await ann.say(room, "hello")
        _, plain = await pat.get("/v1/unread")
        _, first = await pat.get("/v1/unread", explain=1)
        _, second = await pat.get("/v1/unread", explain=1, after=first["after"])
    assert [*first["rooms"], *second["rooms"]] == rooms
    assert "after" not in second
    for page in (first, second):
        assert (page["unread"], page["mentions"]) == (plain["unread"], plain["mentions"]) == (11, 0)


async def test_while_the_history_is_away_only_the_senders_are_missing(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        with archive_stands(chat):
            await ann.say(room, "one")
            await ann.say(room, "two")
            found = await explained(ben, room)
    assert [one["seq"] for one in found["messages"]] == [1, 2]
    assert found["unread"] == 2


async def test_a_message_that_moderation_took_away_is_hidden(chat: Chat) -> None:
    async with (
        Person(chat, "ann") as ann,
        Person(chat, "ben") as ben,
        Person(chat, "eve") as eve,
    ):
        room = await ann.open_room("ben", "eve")
        await eve.say(room, "spam")
        await eve.say(room, "more")
        status, _ = await ben.post(f"/v1/rooms/{room}/messages/1/report", {"reason": "spam"})
        assert status == 202

        async def removed() -> bool:
            _, queue = await ann.get("/v1/moderation/queue", room=room)
            for item in queue["items"]:
                path = f"/v1/moderation/queue/{quote(item['id'], safe='')}"
                status, answer = await ann.post(path, {"action": "remove", "reason": "spam"})
                assert status == 200, answer
            return bool(queue["items"])

        await until(removed, within=20)
        found = await explained(ben, room)
    assert [one.get("why") for one in found["messages"]] == ["hidden", None]
    assert (found["unread"], found["deleted"]) == (1, 1)


async def test_a_room_of_others_is_not_explained(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "eve") as eve:
        room = await ann.open_room()
        for name in (room, "no-such-room"):
            status, answer = await eve.get("/v1/unread", explain=1, room=name)
            assert (status, answer["code"]) == (404, "room_unknown")
        status, answer = await eve.get("/v1/unread", explain=2)
        assert (status, answer["code"]) == (400, "parameter")
        own = await eve.open_room()
        assert (await explained(eve, own, after_seq=10**18 - 1))["messages"] == []
