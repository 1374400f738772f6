"""kill -9 of the worker costs time and nothing else."""

from __future__ import annotations

import pytest

from tests import corpus
from tests.faults.frail import Frail
from tests.faults.load import Load
from tests.listener import Listener

KILLS = 5

pytestmark = pytest.mark.faults


@pytest.mark.timeout(400)
async def test_five_kills_during_the_replay_lose_and_double_nothing(frail: Frail) -> None:
    chat, paths = frail.chat, corpus.files()
    total = sum(len(corpus.said(path)) for path in paths)
    async with Listener(chat, corpus.WATCHER) as listener:
        process = await corpus.replay(chat, paths, "")
        for kill in range(1, KILLS + 1):
            reached = total * kill // (KILLS + 1)
            await listener.until(lambda r=reached: len(listener.messages()) >= r, within=120)
            chat.workers[-1].kill()
            chat.start_worker("w1")
        await corpus.finished(process)
        await corpus.compare(chat, listener, paths, "")


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_all_workers_are_killed_again_and_again(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat) as load:
        await frail.second_worker()
        for _ in range(3):
            await load.acknowledged(50)
            for worker in chat.workers:
                worker.kill()
            for name in ("w1", "w2"):
                chat.start_worker(name)
            await frail.back(load, "kill -9 of both workers")
    await frail.unharmed(load)
