"""kill -9 of an edge costs its clients a reconnect."""

from __future__ import annotations

import pytest

from tests.faults.frail import Frail
from tests.faults.load import FULL, Load, Strength

pytestmark = pytest.mark.faults

#: Every tenth polls: 51 streams.
MANY = Strength(rate=24, rooms=8, readers=56)


@pytest.mark.timeout(600)
async def test_clients_go_on_at_another_edge_with_their_cursors(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, MANY) as load:
        await load.steady(4)
        await chat.start_edge()
        chat.edges[0].kill()
        await load.steady(4)
        connections = [each.connections for each in load.followers.values()]
        assert min(connections) >= 2
    assert load.faults() == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_all_edges_are_killed_at_once(frail: Frail) -> None:
    chat = frail.chat
    await chat.start_edge()
    async with Load(chat, FULL) as load:
        await load.steady(4)
        for edge in chat.edges:
            edge.kill()
        for _ in range(2):
            await chat.start_edge()
        await frail.back(load, "kill -9 of all edges, and two new ones")
        await load.steady(4)
    await frail.unharmed(load)
