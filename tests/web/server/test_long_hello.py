"""A hello is as long as its user's list of rooms: a slow reader gets it whole, and goes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from web.hub.event import Event, EventBatch
from web.hub.room import Room, User
from web.server.sse_stream import SseStream, StreamLimits

LIMITS = StreamLimits(events=256, bytes=512 * 1024, retry_ms=2000)


class Flow(asyncio.Protocol):
    """Tells the stream when the transport is full, as a connection does."""

    stream: SseStream

    def pause_writing(self) -> None:
        self.stream.pause()

    def resume_writing(self) -> None:
        self.stream.resume()


def batch(n: int, size: int = 100) -> EventBatch:
    return EventBatch([Event("lobby", 0, n, n, b'"%b"' % (b"x" * size), "cursor")])


@asynccontextmanager
async def stalled(rooms: int) -> AsyncIterator[tuple[SseStream, socket.socket, list[str]]]:
    """A stream of a user in so many rooms that has said hello, its client, and how it ended."""
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
    theirs.setblocking(False)
    loop, flow, ends = asyncio.get_running_loop(), Flow(), list[str]()
    transport, _ = await loop.create_connection(lambda: flow, sock=ours)
    user = User("ann")
    for number in range(rooms):
        user.rooms[Room(f"{number:064}", 0)] = 1
    flow.stream = SseStream(user, transport, LIMITS, b"HTTP/1.1 200 OK\r\n\r\n", ends.append)
    flow.stream.watch()
    flow.stream.begin("cursor", ())
    flow.stream.release()
    flow.stream.settle()
    try:
        yield flow.stream, theirs, ends
    finally:
        transport.abort()
        theirs.close()


async def test_the_hello_of_a_user_in_9000_rooms_does_not_count_as_waiting() -> None:
    async with stalled(9000) as (stream, client, ends):
        for n in range(1, 251):
            stream.take(batch(n))
        assert ends == []
        got, loop = b"", asyncio.get_running_loop()
        async with asyncio.timeout(30):
            while got.count(b"data:") < 251:
                got += await loop.sock_recv(client, 65536)
        assert got.count(b"0" * 60) == 9000
        assert stream.live


async def test_what_waits_behind_the_hello_is_limited_as_ever() -> None:
    for size, fits in ((100, LIMITS.events), (10_000, 52)):
        async with stalled(9000) as (stream, _, ends):
            for n in range(1, fits + 1):
                stream.take(batch(n, size))
            assert ends == []
            stream.take(batch(fits + 1, size))
            assert ends == ["slow_consumer"]


async def test_a_hello_that_was_read_makes_no_more_room_for_what_waits() -> None:
    async with stalled(9000) as (stream, client, ends):
        loop = asyncio.get_running_loop()
        got = b""
        async with asyncio.timeout(30):
            while not got.endswith(b"\n\n"):
                got += await loop.sock_recv(client, 65536)
            while not stream.live:  # noqa: ASYNC110 - the transport tells nobody else
                await asyncio.sleep(0.01)
        sent = 0
        while not ends and sent < 2 * LIMITS.bytes:
            stream.take(batch(1, 10_000))
            sent += 10_000
        assert ends == ["slow_consumer"]
        assert sent < LIMITS.bytes + 200_000
