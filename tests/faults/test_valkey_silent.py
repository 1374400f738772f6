"""Connections to Valkey may go silent without an end: the edge notices, and makes others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.faults.frail import Frail
from tests.faults.passage import Passage
from tests.support.chat import until
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

#: Seconds within which an edge is to be whole again: a look every second takes 4 s in vain.
WITHIN = 15.0


@asynccontextmanager
async def far_edge(frail: Frail) -> AsyncIterator[tuple[Passage, str]]:
    """An edge that reaches Valkey by a passage; its address."""
    there = len(frail.chat.edges)
    async with Passage(frail.valkey.port) as passage:
        url = await frail.chat.start_edge(redis=f"redis://127.0.0.1:{passage.port}/0")
        yield passage, url
        passage.mend()
        await frail.chat.stop_edges(there)


async def ready(url: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
        return answer.status


async def test_an_edge_without_readers_answers_sends_soon_after_a_silence(standing: Frail) -> None:
    async with far_edge(standing) as (passage, url), Person(standing.chat, "ann", url) as ann:
        room = await ann.open_room()
        passage.silence()
        ends = time.monotonic() + WITHIN
        status = 0
        while status != 201 and time.monotonic() < ends:
            path = f"/v1/rooms/{room}/messages"
            status, _ = await ann.post(path, {"text": "heard?"}, Prefer="wait=1")
        assert status == 201, standing.chat.edges[-1].tail()


async def test_a_reader_who_comes_upon_silent_connections_is_let_in_soon(standing: Frail) -> None:
    async with far_edge(standing) as (passage, url), Person(standing.chat, "ann", url) as ann:
        room = await ann.open_room("ben")
        passage.silence()

        async def told() -> bool:
            try:
                async with Listener(standing.chat, "ben", url=url) as ben:
                    await ann.say(room, "hello")
                    await ben.until(lambda: "hello" in ben.messages(room))
                    return True
            except (AssertionError, OSError):
                return False

        await until(told, standing.chat.edges[-1].tail, within=2 * WITHIN)


async def test_an_edge_that_hears_nothing_is_not_ready(standing: Frail) -> None:
    async with far_edge(standing) as (passage, url):
        passage.cut()

        async def unready() -> bool:
            return await ready(url) == 503

        async def is_ready() -> bool:
            return await ready(url) == 200

        await until(unready, within=5)
        for _ in range(3):  # each look waits for a marker of its own
            assert await unready()
        passage.mend()
        await until(is_ready, standing.chat.edges[-1].tail, within=WITHIN)
