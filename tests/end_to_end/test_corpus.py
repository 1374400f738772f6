"""Ten hours of a real channel, replayed as its users."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support import corpus
from tests.support.chat import Chat
from tests.support.listener import Listener


@pytest.mark.timeout(300)
async def test_what_was_said_comes_back_complete_in_order_once(chat: Chat) -> None:
    paths, prefix = corpus.files(), f"{uuid4().hex[:8]}-"
    async with Listener(chat, corpus.WATCHER) as listener:
        await corpus.finished(await corpus.replay(chat, paths, prefix))
        await corpus.compare(chat, listener, paths, prefix)
