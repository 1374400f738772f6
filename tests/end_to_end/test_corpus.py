"""Ten hours of a real channel, replayed as its users: order, and unread counts recounted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from tests.support import corpus
from tests.support.chat import Chat
from tests.support.listener import Listener
from tests.support.person import Person
from tests.web.api.test_chat import call

READERS = 25

pytestmark = pytest.mark.timeout(480)


@pytest.fixture(scope="module")
async def listener(alone: Chat) -> AsyncIterator[Listener]:
    """Somebody who listened to all of the replay."""
    async with Listener(alone, corpus.WATCHER) as listener:
        await corpus.finished(await corpus.replay(alone, corpus.files(), ""))
        yield listener


def recount(said: list[tuple[str, str]], user: str, read: int) -> int:
    """What somebody has not read who read up to a line, from the lines alone."""
    own = [number for number, (nick, _) in enumerate(said, 1) if nick == user]
    return len(said) - max(read, *own)


async def test_what_was_said_comes_back_complete_in_order_once(
    alone: Chat, listener: Listener
) -> None:
    await corpus.compare(alone, listener, corpus.files(), "")


async def test_unread_is_what_a_recount_from_the_files_gives(
    alone: Chat, listener: Listener
) -> None:
    chance = random.Random(4)
    expected: dict[str, dict[str, int]] = {}

    async def read(room: str, said: list[tuple[str, str]], user: str) -> None:
        mark = chance.randint(0, len(said))
        async with Person(alone, user) as person:
            status, answer = await call(person, "PUT", f"/v1/rooms/{room}/read", {"seq": mark})
            assert status == 200, answer
        expected.setdefault(user, {})[room] = recount(said, user, mark)

    for path in corpus.files():
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
