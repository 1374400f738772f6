"""A whole Parley in processes of its own: worker and edge, on the run's Kafka and Valkey."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.local.supervisor import ROOT
from app.runtime.dev_tokens import mint
from app.settings import Settings

START_SECONDS = 120.0

#: Tests ask at full speed, all from one address.
UNHURRIED: dict[str, Any] = {"limits": 1000.0, "connections": 0, "polls": 10_000}

#: Endpoints of tests are on this machine.
INSIDE: dict[str, Any] = {"webhook_hosts": "127.0.0.1"}

#: The private key of RFC 8291's example: tests know what it signs and encrypts.
PUSH: dict[str, Any] = {
    "push_key": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    "push_contact": "mailto:tests@example.org",
    "push_wait": 1.0,
}


#: Only requests that are traced already are traced here, so that a test finds its own traces.
TRACED: dict[str, Any] = {"trace_sample": 0.0}


class Chat:
    """One worker and one edge; more of either by `start_worker` and `start_edge`."""

    def __init__(self, settings: Settings) -> None:
        gateway = f"http://127.0.0.1:{free_port()}/push"
        #: Where this chat's traces go: a test that looks at them listens there.
        self.collector_port = free_port()
        collector = {"otlp": f"http://127.0.0.1:{self.collector_port}"}
        given = {**UNHURRIED, **INSIDE, **PUSH, **TRACED, **collector, "push_gateway": gateway}
        self.settings = replace(settings, **given)
        #: Where the first worker and the first edge have their metrics: `host:port`.
        self.metrics: list[str] = []
        self.workers: list[Child] = []
        self.edges: list[Child] = []
        self.urls: list[str] = []

    @property
    def url(self) -> str:
        """The first edge's address."""
        return self.urls[0]

    def token(self, user: str) -> str:
        """A token for somebody."""
        return mint(self.settings, user)

    def headers(self, user: str) -> dict[str, str]:
        """The headers that a request of somebody's needs."""
        return {"Authorization": f"Bearer {self.token(user)}"}

    async def start(self, code: Path | None = None) -> None:
        """Start a worker and an edge, from other `code` perhaps.

        Returns when a message's way is open.
        """
        worker, edge = free_port(), free_port()
        self.start_worker("w1", code, prometheus_port=worker)
        await self.start_edge(code, prometheus_port=edge)
        self.metrics = [f"127.0.0.1:{worker}", f"127.0.0.1:{edge}"]
        await self.working()

    def start_worker(self, name: str, code: Path | None = None, **changes: Any) -> Child:
        """Start one more worker, from other `code` perhaps."""
        child = self._child("worker", name, replace(self.settings, worker=name, **changes), code)
        self.workers.append(child)
        return child

    async def start_edge(self, code: Path | None = None, port: int = 0, **changes: Any) -> str:
        """Start one more edge, from other `code` perhaps; returns its address when it is ready."""
        port = port or free_port()
        name = f"edge-{len(self.edges) + 1}"
        child = self._child("edge", name, replace(self.settings, port=port, **changes), code)
        self.edges.append(child)
        url = f"http://127.0.0.1:{port}"
        self.urls.append(url)
        async with aiohttp.ClientSession() as http:
            await until(lambda: _ok(http, f"{url}/readyz"), child.tail)
        return url

    async def command(self, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
        """The command `parley` against this chat, its whole output in one pipe."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", *arguments),
            env={**os.environ, **self.settings.environ(), **environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def parley(self, *arguments: str, **environ: str) -> tuple[int | None, str]:
        """Run the command to its end: its exit code, and what it said."""
        process = await self.command(*arguments, **environ)
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    async def stop(self) -> None:
        """Stop everything."""
        await asyncio.gather(*(child.stop(30) for child in self.edges + self.workers))

    async def stop_edges(self, first: int) -> None:
        """Stop the edges from the one with the index `first` on, and forget them."""
        await asyncio.gather(*(child.stop(30) for child in self.edges[first:]))
        del self.edges[first:], self.urls[first:]

    async def working(self) -> None:
        """Return when a room can be created."""
        async with aiohttp.ClientSession(headers=self.headers("warm")) as http:
            url = f"{self.url}/v1/rooms"
            await until(lambda: _created(http, url), self.workers[0].tail)

    def _child(self, kind: str, name: str, settings: Settings, code: Path | None = None) -> Child:
        log = self.settings.data / "logs" / f"{name}.log"
        # -P: this code or that, not the folder that somebody is in.
        environ = {**settings.environ(), "PYTHONPATH": str(code or ROOT)}
        child = Child([sys.executable, "-P", "-m", "app.cli", kind], log, environ)
        child.start()
        return child


async def _ok(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _created(http: aiohttp.ClientSession, url: str) -> bool:
    async with http.post(url, json={"room": uuid4().hex}, headers={"Prefer": "wait=5"}) as answer:
        return answer.status == 201


async def until(
    condition: Callable[[], Any],
    tail: Callable[[], str] = lambda: "",
    within: float = START_SECONDS,
) -> Any:
    """Return the condition's first true value; fails with what `tail` says when it takes long."""
    try:
        async with asyncio.timeout(within):
            while not (value := await condition()):  # noqa: ASYNC110 - it is in another process
                await asyncio.sleep(0.05)
            return value
    except TimeoutError:
        raise AssertionError(f"not within {within} s\n{tail()}") from None


def data_folder(base: Path) -> Path:
    """A data folder of a run's own."""
    folder = base / "data"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
