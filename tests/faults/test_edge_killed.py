"""kill -9 of an edge costs its clients a reconnect."""

from __future__ import annotations

import pytest

from tests.faults.frail import TIMES, Frail
from tests.faults.load import FULL, Load, Strength

pytestmark = pytest.mark.faults

#: Every tenth polls: 51 streams.
MANY = Strength(rate=24, rooms=8, readers=56)
#: And 201.
CROWD = FULL._replace(readers=223)


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
async def test_an_edge_with_two_hundred_streams_is_killed_again_and_again(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, CROWD) as load:
        for turn in range(TIMES):
            await chat.start_edge()
            await load.moment()
            chat.edges[turn].kill()  # whom all are at; the next they come to is the new one
            await frail.back(load, "kill -9 of an edge with 200 streams")
        await load.steady(4)
        assert min(each.connections for each in load.followers.values()) > TIMES
    await frail.unharmed(load)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_all_edges_are_killed_at_once(frail: Frail) -> None:
    chat = frail.chat
    await chat.start_edge()
    async with Load(chat, FULL) as load:  # half of the readers at each
        for _ in range(TIMES):
            await load.moment()
            for edge in chat.edges[-2:]:
                edge.kill()
            for _ in range(2):
                await chat.start_edge()
            await frail.back(load, "kill -9 of all edges, and two new ones")
        await load.steady(4)
    await frail.unharmed(load)
