"""Several edges on one port: all serve, all stop."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp

from app.embedded.child import Child
from app.local.metrics_ports import free_ports
from app.settings import Settings
from tests.support.chat import until


async def test_edges_share_a_port_come_back_when_killed_and_stop_together(
    settings: Settings,
) -> None:
    settings = replace(settings, prometheus_port=free_ports(2, "127.0.0.1"))
    command = [sys.executable, "-m", "app.cli", "edge", "--edges", "2"]
    edges = Child(command, settings.data / "edges.log", settings.environ())
    edges.start()
    try:
        await until(lambda: _two_answer(settings), edges.tail)
        await until(lambda: _have_metrics(settings.prometheus_port, 2), edges.tail)
        before = _children(edges.pid)
        os.kill(before[0], signal.SIGKILL)

        async def again() -> bool:
            now = _children(edges.pid)
            return len(now) == 2 and now != before

        await until(again, edges.tail)
        await until(lambda: _two_answer(settings), edges.tail)
    finally:
        assert await edges.stop(20)
    async with aiohttp.ClientSession() as http:
        assert not await _answers(http, settings)


async def _have_metrics(first: int, count: int) -> bool:
    """Whether so many ports in a row have the metrics of an edge: one may be up before others."""
    async with aiohttp.ClientSession() as http:
        for port in range(first, first + count):
            try:
                async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    if "parley_streams " not in await answer.text():
                        return False
            except aiohttp.ClientError:
                return False
    return True


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def _two_answer(settings: Settings) -> bool:
    """Connections are dealt out by chance: of 24 both edges get some."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=24)
    ) as http:
        return all([await _answers(http, settings) for _ in range(24)])


async def _answers(http: aiohttp.ClientSession, settings: Settings) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{settings.port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
