from __future__ import annotations

import asyncio
import socket

import pytest

from app.metrics import exposition
from app.metrics.counts import Counts
from app.metrics.exposition import Exposition
from app.metrics.metric import Metric
from app.metrics.metrics_server import is_served, serve_metrics
from app.settings import Settings

TICKS = Metric("ticks_total", "counter", "Ticks.")


class Counting:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.ticks = Counts(TICKS)

    async def refresh(self) -> None:
        self.ticks.add()
        await asyncio.sleep(0)  # other scrapes come meanwhile


async def test_many_scrapes_at_once_are_one_computation() -> None:
    counting = Counting()
    made = Exposition([counting.ticks], [counting.refresh])
    texts = await asyncio.gather(*(made.text() for _ in range(200)))
    assert len(set(texts)) == 1
    assert counting.ticks.value() == 1
    assert b"ticks_total 1.0" in texts[0]


async def test_a_text_is_made_anew_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "FRESH_SECONDS", 0.0)
    counting = Counting()
    made = Exposition([counting.ticks], [counting.refresh])
    assert await made.text() != await made.text()


async def test_a_port_that_is_taken_is_no_end_of_the_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(prometheus_port=taken.getsockname()[1])
        async with serve_metrics(settings, Exposition([])):
            pass


async def test_without_a_port_nothing_listens() -> None:
    assert not is_served(Settings())
