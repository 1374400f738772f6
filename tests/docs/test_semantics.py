from __future__ import annotations

from tests.chat import Chat
from tests.listener import Listener
from tests.person import Person


async def test_who_joins_late_streams_from_there_and_pages_through_all(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Listener(chat, "late") as late:
        room = await ann.open_room()
        await ann.say(room, "before")
        _, joined = await ann.post(f"/v1/rooms/{room}/members", {"user": "late"})
        await ann.say(room, "after")
        await late.until(lambda: late.messages(room) == ["after"])
        assert late.numbers(room) == [joined["n"], joined["n"] + 1]
        async with Person(chat, "late") as person:
            history = await person.history(room)
        assert [message["text"] for message in history] == ["before", "after"]
