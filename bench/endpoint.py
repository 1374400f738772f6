"""An endpoint for `bench.subscriptions`: takes every request, and keeps how late each event was.

It speaks just as much HTTP as that takes, so that it is not what is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast

import httptools
import uvloop

_AT = re.compile(rb'"at_ms":(\d+)')
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Counts:
    """Events and requests so far, and how late events were, in milliseconds."""

    def __init__(self) -> None:
        self.events = 0
        self.requests = 0
        self.late: list[int] = []

    def take(self, body: bytes) -> None:
        """Count a request."""
        now = time.time_ns() // 1_000_000
        found = _AT.findall(body)
        self.requests += 1
        self.events += len(found)
        if len(self.late) < 200_000:
            self.late += [now - int(at) for at in found]

    def told(self) -> bytes:
        """The counts as JSON, which begin anew."""
        text = json.dumps({"events": self.events, "requests": self.requests, "late": self.late})
        self.late = []
        return text.encode()


class Connection(asyncio.Protocol):
    """A connection; `GET` tells the counts."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._body: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        assert self._transport is not None
        if self._parser.get_method() == b"GET":
            told = self._counts.told()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n"
            self._transport.write(head.encode() + told)
            return
        self._counts.take(b"".join(self._body))
        self._body.clear()
        self._transport.write(_ANSWER)


async def main(port: int) -> None:
    """Listen until the process ends."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counts), "127.0.0.1", port, backlog=2048)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
