"""kill -9 of an edge costs its clients a reconnect."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Frail
from tests.faults.load import Load

pytestmark = pytest.mark.faults

READERS = 56  # every tenth polls: 51 streams


@pytest.mark.timeout(180)
async def test_clients_go_on_at_another_edge_with_their_cursors(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, readers=READERS) as load:
        await load.acknowledged(100)
        await chat.start_edge()
        chat.edges[0].kill()
        await load.acknowledged(100)
        connections = [each.connections for each in load.followers.values()]
        assert min(connections) >= 2
    assert load.faults() == []
