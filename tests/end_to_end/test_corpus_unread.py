"""Real logs, users who read at random, and unread counts recounted from the files."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.support import corpus
from tests.support.chat import Chat
from tests.support.person import Person
from tests.web.api.test_chat import call

READERS = 25


def recount(said: list[tuple[str, str]], user: str, read: int) -> int:
    """What somebody has not read who read up to a line, from the lines alone."""
    own = [number for number, (nick, _) in enumerate(said, 1) if nick == user]
    return len(said) - max(read, *own)


@pytest.mark.timeout(480)
async def test_unread_is_what_a_recount_from_the_files_gives(alone: Chat) -> None:
    paths = corpus.files()
    process = await corpus.replay(alone, paths, "")
    chance = random.Random(4)
    expected: dict[str, dict[str, int]] = {}
    await corpus.finished(process)

    async def read(room: str, said: list[tuple[str, str]], user: str) -> None:
        mark = chance.randint(0, len(said))
        async with Person(alone, user) as person:
            status, answer = await call(person, "PUT", f"/v1/rooms/{room}/read", {"seq": mark})
            assert status == 200, answer
        expected.setdefault(user, {})[room] = recount(said, user, mark)

    for path in paths:
        said = corpus.said(path)
        nicks = sorted({nick for nick, _ in said})
        users = chance.sample(nicks, READERS)
        await asyncio.gather(*(read(path.stem, said, user) for user in users))
    for user, rooms in expected.items():
        async with Person(alone, user) as person:
            _, answer = await person.get("/v1/unread")
            shown = {room: answer["rooms"].get(room, {"unread": 0})["unread"] for room in rooms}
            assert shown == rooms
    status, told = await alone.parley("verify")
    assert status == 0, told
