"""A wire between browser and edge that a test can cut, and let fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Wire:
    """Listens at `url` and passes bytes on to the edge, both ways."""

    def __init__(self, edge: str) -> None:
        self._edge = urlsplit(edge)
        self._ends: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def to(cls, edge: str) -> AsyncIterator[Wire]:
        wire = cls(edge)
        server = await asyncio.start_server(wire._connected, "127.0.0.1", 0)
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield wire
        wire._passing.set()
        wire.cut()
        server.close()

    def cut(self) -> None:
        """End every connection there is; new ones may come."""
        for end in self._ends:
            end.transport.abort()

    def stall(self) -> None:
        """Pass nothing on, and tell nobody: what a network that went away looks like."""
        self._passing.clear()

    def resume(self) -> None:
        self._passing.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        edge = await asyncio.open_connection(self._edge.hostname, self._edge.port)
        both = {writer, edge[1]}
        self._ends |= both
        try:
            await asyncio.gather(self._pass(reader, edge[1]), self._pass(edge[0], writer))
        except ConnectionError:
            pass
        finally:
            self._ends -= both
            for end in both:
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
