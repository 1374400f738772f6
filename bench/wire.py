"""A client that is light enough not to measure itself: bytes in, bytes out, no library between.

It is no general client: it looks for what Parley's edge is known to send.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

_MESSAGE = re.compile(rb'"n":(\d+),[^\n]*"text":"(\d+) (\d+)')


class Stream(asyncio.Protocol):
    """A stream; calls `on_message(n, index, nanoseconds on the way)` for each message.

    A message's text is its index and the monotonic time of its POST.
    """

    def __init__(self, request: bytes, on_message: Callable[[int, int, int], None]) -> None:
        self.hello: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._on_message = on_message
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        """Ask for the stream."""
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Parse the bytes of the stream; a block ends with an empty line."""
        now = time.monotonic_ns()
        blocks, ending, rest = (self._rest + data).rpartition(b"\n\n")
        self._rest = rest
        if not ending:
            return
        for found in _MESSAGE.finditer(blocks):
            n, index, sent = map(int, found.groups())
            self._on_message(n, index, now - sent)
        if not self.hello.done() and b"event: hello" in blocks:
            self.hello.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        """Fail a wait for the hello; the events that an ended stream lacks are counted."""
        if not self.hello.done():
            said = self._rest.decode(errors="replace")
            self.hello.set_exception(ConnectionError(f"no stream: {said!r}"))


class Lane(asyncio.Protocol):
    """A kept connection with one request under way at a time."""

    def __init__(self, on_free: Callable[[Lane], None]) -> None:
        self._on_free = on_free
        self._answer = b""
        self._on_answer: Callable[[int, int], None] | None = None
        self._sent = 0
        #: Whether the other side still keeps it.
        self.kept = True

    def connection_made(self, transport: Any) -> None:
        """The lane is free."""
        self._transport = transport
        self._on_free(self)

    def send(self, head: bytes, index: int, on_answer: Callable[[int, int], None]) -> None:
        """Post message `index`; `on_answer(status, nanoseconds)` when its answer is there."""
        self._on_answer = on_answer
        self._sent = time.monotonic_ns()
        body = b'{"text":"%d %d"}' % (index, self._sent)
        self._transport.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def data_received(self, data: bytes) -> None:
        """Take the answer; it has a length."""
        now = time.monotonic_ns()
        self._answer += data
        head, ending, body = self._answer.partition(b"\r\n\r\n")
        if not ending:
            return
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if length is None or len(body) < int(length[1]):
            return
        self._answer = b""
        if self._on_answer is not None:
            self._on_answer(int(head.split(None, 2)[1]), now - self._sent)
        self._on_free(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Close a lane; its requests are missing in the count."""
        self.kept = False
