"""What watches a Parley: a Prometheus that asks every second, and a collector that takes traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from app.embedded.ports import free_port

#: Seconds between two scrapes: Prometheus' own default is a minute, and 15 s are usual.
EVERY = 1.0


@asynccontextmanager
async def scraped(ports: Iterable[int]) -> AsyncIterator[list[int]]:
    """Ask these ports for their metrics meanwhile; yields the sizes of the answers."""
    sizes: list[int] = []

    async def ask() -> None:
        async with aiohttp.ClientSession() as http:
            while True:
                for port in ports:
                    async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                        sizes.append(len(await answer.read()))
                await asyncio.sleep(EVERY)

    asking = asyncio.create_task(ask())
    try:
        yield sizes
        if asking.done():
            asking.result()
    finally:
        asking.cancel()


class Collector:
    """Takes traces and forgets them; `requests` is how many it took."""

    def __init__(self) -> None:
        self.requests = 0
        self._port = free_port()

    @property
    def url(self) -> str:
        """Where it listens, as `PARLEY_OTLP` has it."""
        return f"http://127.0.0.1:{self._port}"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take traces meanwhile."""
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_post("/v1/traces", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests += 1
        return web.Response(content_type="application/x-protobuf")
