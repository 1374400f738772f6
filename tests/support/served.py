"""A service of a test's own on this machine, which can be away."""

from __future__ import annotations

from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from app.embedded.ports import free_port


class Served:
    """Serves posts to a path by a handler at one address, from each `start` to its `stop`."""

    def __init__(self, path: str, handler: Handler, port: int = 0) -> None:
        self._path, self._handler = path, handler
        self._port = port or free_port()
        self._runner: web.AppRunner | None = None

    @property
    def root(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_post(self._path, self._handler)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Refuse connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
