"""kill -9 of the worker costs time and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.faults.frail import Frail
from tests.faults.load import FULL, Load
from tests.support import corpus
from tests.support.chat import until
from tests.support.listener import Listener
from tests.support.person import Person

#: What somebody has under way in one room when a worker dies.
WISHES = 200

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    ("kills", "files"),
    [pytest.param(2, 3, marks=pytest.mark.slow), pytest.param(5, 10, marks=pytest.mark.slow)],
)
@pytest.mark.timeout(600)
async def test_kills_during_the_replay_lose_and_double_nothing(
    frail: Frail, kills: int, files: int
) -> None:
    chat, paths = frail.chat, corpus.files()[:files]
    total = sum(len(corpus.said(path)) for path in paths)
    async with Listener(chat, corpus.WATCHER) as listener:
        process = await corpus.replay(chat, paths, "")
        for kill in range(1, kills + 1):
            reached = total * kill // (kills + 1)
            await listener.until(lambda r=reached: len(listener.messages()) >= r, within=120)
            chat.workers[-1].kill()
            chat.start_worker("w1")
        await corpus.finished(process)
        await corpus.compare(chat, listener, paths, "")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_hundreds_of_sends_repeated_after_an_outage_keep_their_numbers(frail: Frail) -> None:
    chat = frail.chat
    async with Person(chat, "bot") as bot:
        room = await bot.open_room()
        chat.workers[0].kill()
        assert {status for status, _ in await said(bot, room)} == {202}
        chat.start_worker("w1")
        numbers = await numbered(bot, room)
        chat.workers[-1].kill()
        chat.start_worker("w1")
        assert await numbered(bot, room) == numbers
        history = await bot.history(room)
        assert {m["client_id"]: m["n"] for m in history} == numbers
        assert len(history) == WISHES


async def said(bot: Person, room: str) -> list[tuple[int, dict[str, Any]]]:
    """Everything that the bot has to say, said at once, whether or not it was said before."""
    path = f"/v1/rooms/{room}/messages"
    wishes = [{"text": f"{i}", "client_id": f"wish-{i}"} for i in range(WISHES)]
    return await asyncio.gather(*(bot.post(path, wish, Prefer="wait=2") for wish in wishes))


async def numbered(bot: Person, room: str) -> dict[str, int]:
    """The `n` of all that the bot has to say, said again until each has one."""

    async def all_have() -> dict[str, int] | None:
        answers = await said(bot, room)
        found = {told["client_id"]: told["n"] for status, told in answers if status in (200, 201)}
        return found if len(found) == WISHES else None

    numbers: dict[str, int] = await until(all_have)
    return numbers


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_all_workers_are_killed_again_and_again(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, FULL) as load:
        await frail.second_worker()
        for _ in range(3):
            await load.moment()
            for worker in chat.workers:
                worker.kill()
            for name in ("w1", "w2"):
                chat.start_worker(name)
            await frail.back(load, "kill -9 of both workers")
    await frail.unharmed(load)
