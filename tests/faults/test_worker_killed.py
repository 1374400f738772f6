"""kill -9 of the worker costs time and nothing else."""

from __future__ import annotations

import pytest

from tests import corpus
from tests.faults.conftest import Frail
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
