"""Messages and rule files that are made to be slow, through the whole pipeline."""

from __future__ import annotations

import asyncio
import time

from tests.moderation.conftest import Admin, Put
from tests.support.chat import Chat
from tests.support.person import Person


async def test_a_message_that_costs_too_much_to_judge_is_held_with_a_reason(
    strict: Chat, put: Put
) -> None:
    nested = [f"{'x' * size}" for size in range(1, 120)]
    await put(f"[words]\nwords = {nested}")
    async with Person(strict, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        status, held = await ann.post(path, {"text": "x" * 4000})
        assert (status, held.get("status")) == (202, "held"), held
        assert "moderator" in held["verdict"]["findings"][0]["reason"]
        status, _ = await ann.post(path, {"text": "an ordinary message"})
        assert status == 201
        assert [m["text"] for m in await ann.history(room)] == ["an ordinary message"]


async def test_long_messages_under_an_open_phrase_hold_up_no_other_room(
    strict: Chat, put: Put
) -> None:
    await put("[words]\nwords = ['blimey*']")
    async with Person(strict, "ann") as ann, Person(strict, "ben") as ben:
        room, other = await ann.open_room(), await ben.open_room()
        path = f"/v1/rooms/{room}/messages"
        flood = [
            asyncio.create_task(ann.post(path, {"text": "blimey" * 660}, Prefer="wait=30"))
            for _ in range(100)
        ]
        await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        began = time.monotonic()
        await ben.say(other, "and here?")
        assert time.monotonic() - began < 5
        assert {(await one)[0] for one in flood} == {422}


async def test_trying_a_file_that_is_made_to_be_slow_holds_up_no_request(
    strict: Chat, admin: Admin
) -> None:
    source = "a" + ".a" * 30_000 + " = 1"
    path = "/v1/moderation/rules/test"
    began = time.monotonic()
    trying = asyncio.create_task(admin.call("POST", path, {"text": "hello", "source": source}))
    await asyncio.sleep(0)
    async with Person(strict, "ann") as ann:
        await ann.open_room()
    status, answer = await trying
    assert (status, answer["code"], answer["line"]) == (400, "rules_mistake", 1)
    assert time.monotonic() - began < 5


async def test_a_text_that_no_message_may_have_is_not_tried(strict: Chat, admin: Admin) -> None:
    body = {"text": "x" * 4001}
    status, answer = await admin.call("POST", "/v1/moderation/rules/test", body)
    assert (status, answer["code"]) == (413, "text_too_long")
