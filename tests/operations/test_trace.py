"""`parley trace`: the way of a message through the topics."""

from __future__ import annotations

import json
import re
from uuid import uuid4

from tests.support.chat import Chat
from tests.support.person import Person


async def trace(chat: Chat, *arguments: str) -> str:
    code, told = await chat.parley("trace", *arguments)
    assert code == 0, told
    return told


async def test_a_message_is_followed_from_its_command_to_the_log(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        await ann.say(room, "one")
        # The sampled trace of the sender's own is named, too.
        span = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
        status, answer = await ann.post(f"/v1/rooms/{room}/messages", {"text": "two"}, **span)
        assert status == 201
        seq = answer["seq"]
    told = await trace(chat, room, str(seq))
    head, *hops = told.splitlines()
    assert re.search(r"UTC  [0-9a-f-]{36} by ann, client id ", head)
    topics = re.findall(r" ms  (chat\.\w+)/", told)
    assert topics == ["chat.raw", "chat.moderated", "chat.log"]
    assert f"message.created: n 3, seq {seq}, pos " in hops[-1]
    assert "allowed" in hops[1]
    assert hops[-1].endswith(f", trace {'ab' * 16}")


async def test_each_attempt_of_a_client_id_is_shown_with_its_answer(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        wish = {"text": "once", "client_id": uuid4().hex}
        for _ in range(2):
            status, answer = await ann.post(f"/v1/rooms/{room}/messages", wish)
            assert status in (200, 201), answer
    first, again = json.loads(await trace(chat, room, wish["client_id"], "--json"))
    assert first["hops"][-1]["what"].startswith("message.created")
    assert again["id"] != first["id"]
    assert again["hops"][-1]["topic"] == "chat.verdicts"
    assert "repeated" in again["hops"][-1]["what"]


async def test_what_is_not_there_is_told(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
    for name, why in (("7", "has no message 7"), ("nonsense", "has the id nonsense")):
        code, told = await chat.parley("trace", room, name)
        assert code == 1
        assert why in told
