"""A connection as bytes: what no HTTP client would send, or only a hurried one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.support.chat import Chat


class Raw:
    """Sends bytes, reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """The next answer's status and its JSON."""
        async with asyncio.timeout(20):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            body = await self.reader.readexactly(length)
        return int(head.split()[1]), json.loads(body) if body else {}

    async def until(self, mark: bytes) -> bytes:
        """What comes up to and with the mark."""
        async with asyncio.timeout(20):
            return await self.reader.readuntil(mark)

    async def rest(self) -> bytes:
        """All that still comes until the other side closes."""
        async with asyncio.timeout(20):
            return await self.reader.read()


@asynccontextmanager
async def raw(url: str, **options: Any) -> AsyncIterator[Raw]:
    """A connection to an edge; `options` go to asyncio."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port, **options)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


def request(chat: Chat, user: str, line: str, body: bytes = b"") -> bytes:
    """A request of somebody's, as bytes."""
    head = f"{line} HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer {chat.token(user)}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
