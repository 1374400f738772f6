from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.support.chat import Chat
from tests.web.support.asking import person


async def test_a_send_gets_its_number_and_where_to_read_it(chat: Chat) -> None:
    async with person(chat, "alice") as alice:
        room = await alice.opens()
        wish = {"text": "你好 😀", "client_id": "one"}
        async with alice.http.post(f"/v1/rooms/{room}/messages", json=wish) as answer:
            body = await answer.json()
            assert answer.status == 201
            assert answer.headers.get("Preference-Applied") is None
            location = answer.headers["Location"]
        assert {**body, "id": ""} == {
            "room": room,
            "n": 2,
            "seq": 1,
            "id": "",
            "client_id": "one",
        }
        _, page = await alice.get(location)
        (message,) = page["messages"]
        assert {**body, "text": "你好 😀"}.items() <= message.items()


async def test_a_duplicate_send_keeps_its_number(chat: Chat) -> None:
    async with person(chat, "alice") as alice:
        room = await alice.opens()
        first = await alice.says(room, "once", client_id="wish 1")
        path = f"/v1/rooms/{room}/messages"
        assert (await alice.says(room, "next"))["seq"] == 2
        for again in (
            await alice.post(path, {"text": "once", "client_id": "wish 1"}),
            await alice.post(path, {"text": "once"}, {"Idempotency-Key": "wish 1"}),
            await alice.post(path, {"text": "once"}, {"Idempotency-Key": '"wish 1"'}),
        ):
            assert again == (200, {**first, "repeated": True})
        _, page = await alice.get(path)
        assert [message["text"] for message in page["messages"]] == ["once", "next"]


async def test_who_does_not_wait_gets_an_id_and_the_number_later(chat: Chat) -> None:
    async with person(chat, "alice") as alice:
        room = await alice.opens()
        path = f"/v1/rooms/{room}/messages"
        wish = {"text": "later", "client_id": "w"}
        async with alice.http.post(path, json=wish, headers={"Prefer": "wait=0"}) as answer:
            accepted = await answer.json()
            assert answer.status == 202
            assert answer.headers["Preference-Applied"] == "wait=0"
        assert {**accepted, "id": ""} == {
            "room": room,
            "id": "",
            "client_id": "w",
            "status": "accepted",
        }
        status, placed = await alice.post(path, wish, {"Prefer": "wait=20"})
        assert (status, placed["id"], placed["seq"]) == (200, accepted["id"], 1)


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [(" \n", 422, "text_empty"), ("x" * 4001, 413, "text_too_long")],
)
async def test_a_refusal_says_why(chat: Chat, text: str, status: int, code: str) -> None:
    async with person(chat, "alice") as alice:
        room = await alice.opens()
        found, body = await alice.post(f"/v1/rooms/{room}/messages", {"text": text})
        assert (found, body["code"]) == (status, code)
        assert (await alice.says(room, "x" * 4000))["seq"] == 1


async def test_pages_meet_without_a_gap_while_people_talk(chat: Chat) -> None:
    async with person(chat, "alice") as alice:
        room = await alice.opens()
        path = f"/v1/rooms/{room}/messages"
        for seq in range(1, 31):
            assert (await alice.says(room, f"line {seq}"))["seq"] == seq
            _, newest = await alice.get(f"{path}?limit=4")
            expected = list(range(max(1, seq - 3), seq + 1))
            assert [message["seq"] for message in newest["messages"]] == expected
            assert newest["has_more"] == (seq > 4)


async def test_links_lead_through_the_whole_history_both_ways(chat: Chat) -> None:
    async with person(chat, "alice") as alice:
        room = await alice.opens()
        await asyncio.gather(*(alice.says(room, f"{number}") for number in range(23)))
        seen = []
        link: str | None = f"/v1/rooms/{room}/messages?limit=5"
        while link:
            async with alice.http.get(link) as answer:
                page = await answer.json()
                link = str(answer.links["prev"]["url"]) if "prev" in answer.links else None
                assert page["has_more"] == (link is not None)
            seen = [message["seq"] for message in page["messages"]] + seen
        assert seen == list(range(1, 24))
        link, seen = f"/v1/rooms/{room}/messages?after_seq=0&limit=5", []
        while link:
            async with alice.http.get(link) as answer:
                page = await answer.json()
                link = str(answer.links["next"]["url"]) if "next" in answer.links else None
                assert page["has_more"] == (link is not None)
            seen += [message["seq"] for message in page["messages"]]
        assert seen == list(range(1, 24))
        _, between = await alice.get(f"/v1/rooms/{room}/messages?after_seq=3&before_seq=7&limit=2")
        assert [message["seq"] for message in between["messages"]] == [4, 5]
        assert between["has_more"] is True


async def test_a_room_without_messages_is_an_empty_page(chat: Chat) -> None:
    async with person(chat, "alice") as alice:
        room = await alice.opens()
        for query in ("", "?before_seq=0", "?after_seq=999", "?before_seq=5&after_seq=7"):
            status, page = await alice.get(f"/v1/rooms/{room}/messages{query}")
            assert (status, page) == (200, {"messages": [], "has_more": False})


async def test_a_room_id_is_made_where_none_is_given(chat: Chat) -> None:
    async with person(chat, "alice") as alice, person(chat, "bob") as bob:
        wish = {"client_id": uuid4().hex}
        rooms = {(await one.post("/v1/rooms", wish))[1]["room"] for one in (alice, bob, alice)}
        assert len(rooms) == 2
