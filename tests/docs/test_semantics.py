from __future__ import annotations

import re

from tests.docs.markdown import ROOT
from tests.support.chat import Chat
from tests.support.listener import Listener
from tests.support.person import Person

_TEST = re.compile(r"\btest_\w+")


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(_TEST.findall((ROOT / "docs" / "semantics.md").read_text()))
    sources = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert named <= set(re.findall(r"def (test_\w+)", sources))


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
