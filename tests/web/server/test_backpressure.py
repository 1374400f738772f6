"""A client that does not read costs what its limits say, and goes in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from tests.web.conftest import Try
from tests.web.support.polling import PATIENCE, Door, Poller, until
from web.server.sse_stream import SseStream

#: What asyncio's and uvloop's transports keep before they say so, and one answer more.
KEPT = 64 * 1024 + 100_000


class Stalled:
    """A connection whose client sends, and reads when it is told to."""

    def __init__(self, door: Door) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", door.port))
        self.socket.setblocking(False)

    def __enter__(self) -> Stalled:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send as much as goes."""
        try:
            while data:
                data = data[self.socket.send(data) :]
        except BlockingIOError:
            pass

    async def read(self, done: Callable[[bytes], bool] = lambda _: False) -> bytes:
        """All that comes, until that is enough or the connection ends."""
        loop, got = asyncio.get_running_loop(), b""
        async with asyncio.timeout(PATIENCE):
            while not done(got) and (some := await loop.sock_recv(self.socket, 65536)):
                got += some
        return got


def kept(door: Door) -> int:
    """The most that waits in a transport."""
    return max(
        (
            front.transport.get_write_buffer_size()
            for front in door.manager.connections
            if not front.transport.is_closing()
        ),
        default=0,
    )


def behind(
    test: Callable[[Door, Poller, Stalled], Awaitable[None]], said: int
) -> Callable[[Door], Awaitable[None]]:
    """A test of a client that does not read, where so many long messages lie behind a cursor."""

    async def attempt(door: Door) -> None:
        async with Poller(door, "ann", timeout=0) as poller:
            for _ in range(said):
                await door.say("a", size=4_000)
            await door.heard()
            with Stalled(door) as stalled:
                await test(door, poller, stalled)

    return attempt


async def asks_for_ever(door: Door, poller: Poller, stalled: Stalled) -> None:
    most = 0
    for _ in range(20):
        stalled.send(poller.request() * 50)
        await asyncio.sleep(0.01)
        most = max(most, kept(door))
    assert 0 < most < KEPT
    stalled.send(b"\r\n\r\n")
    got = await stalled.read(lambda got: got.count(b'"has_more"') >= 10)
    assert b'"events":[{' in got


async def test_a_client_that_asks_on_without_reading_is_answered_as_it_reads(served: Try) -> None:
    await served(behind(asks_for_ever, said=20))


async def polls_then_streams(door: Door, poller: Poller, stalled: Stalled) -> None:
    stream = poller.request("").replace(b"/v1/events", b"/v1/stream")
    stalled.send(poller.request(poller.cursor) + stream)
    await until(lambda: kept(door))
    for _ in range(50):
        await door.say("a", size=4_000)
        await door.heard()
        assert kept(door) < 4 * KEPT
    reading = asyncio.create_task(stalled.read(lambda got: got.endswith(b'"last"\n\n')))
    person = door.hub.registry.users["ann"]
    await until(lambda: any(isinstance(one, SseStream) and one.live for one in person.subscribers))
    door.hub.state.tell(person.subscribers, b'"last"')
    head, _, rest = (await reading).partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert rest[:length].endswith(b'"has_more":false}')
    assert rest[length:].startswith(b"HTTP/1.1 200 OK")
    assert b"\n\nevent: hello\n" in rest[length:].replace(b"\r\n", b"\n")


async def test_a_stream_that_follows_an_answer_yet_to_be_read_comes_after_it(served: Try) -> None:
    await served(behind(polls_then_streams, said=60))


async def streams_at_once(door: Door, poller: Poller, stalled: Stalled) -> None:
    """The kernel passes on a short answer; what it has left waits in the transport."""
    stream = poller.request("").replace(b"/v1/events", b"/v1/stream")
    stalled.send(poller.request(poller.cursor) + stream)
    person = door.hub.registry.users["ann"]
    await until(lambda: any(isinstance(one, SseStream) for one in person.subscribers))
    for _ in range(200):
        await door.say("a", size=4_000)
    await door.heard()
    assert kept(door) < KEPT
    got = await stalled.read()
    assert got.endswith(b"\n\n")
    assert b'"code":"slow_consumer"' in got


async def test_a_stream_that_begins_where_something_waits_is_slow_from_the_beginning(
    served: Try,
) -> None:
    await served(behind(streams_at_once, said=12))


async def closes(door: Door, poller: Poller, stalled: Stalled) -> None:
    stalled.send(poller.request().replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    await until(lambda: any(front.transport.is_closing() for front in door.manager.connections))
    await until(lambda: len(door.manager.connections) == 1)


async def test_a_connection_that_is_closed_goes_though_its_client_reads_nothing(
    served_once: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.server.connection.CLOSE_SECONDS", 0.2)
    await served_once(behind(closes, said=60))


async def reads_no_answer(door: Door, _: Poller, stalled: Stalled) -> None:
    size = 1_000_000
    head = f"POST /body HTTP/1.1\r\nHost: e\r\nContent-Length: {size}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(stalled.socket, head + b"x" * size)
    await until(lambda: kept(door))
    await until(lambda: len(door.manager.connections) == 1)


async def test_who_reads_no_answer_of_the_api_is_cut_off(
    served_once: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.server.connection.BODY_SECONDS", 0.5)
    monkeypatch.setattr("web.server.connection.CLOSE_SECONDS", 0.1)
    await served_once(behind(reads_no_answer, said=0))


async def sends_no_request(door: Door, _: Poller, stalled: Stalled) -> None:
    while len(door.manager.connections) > 1:
        stalled.send(b"\r\n")
        await asyncio.sleep(0.05)


async def test_empty_lines_are_no_request_and_keep_no_connection(
    served_once: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.server.connection.HEAD_SECONDS", 0.3)
    async with asyncio.timeout(PATIENCE):
        await served_once(behind(sends_no_request, said=0))


async def sends_for_ever(door: Door, _: Poller, stalled: Stalled) -> None:
    stalled.send(b"POST /body HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        while len(door.manager.connections) > 1:
            try:
                stalled.send(b"1\r\nx\r\n")
            except OSError:
                return
            await asyncio.sleep(0.05)


async def test_a_body_of_unknown_length_has_its_time_like_any_other(
    served_once: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.server.connection.UNKNOWN_BODY_SECONDS", 0.3)
    await served_once(behind(sends_for_ever, said=0))


async def opens_many(door: Door) -> None:
    asked = Poller(door, "dan").request("").replace(b"/v1/events", b"/v1/stream")
    most = door.context.max_streams
    streams = [Stalled(door) for _ in range(2 * most)]
    await until(lambda: len(door.manager.connections) == len(streams))
    for one in streams:
        one.send(asked)
    got = await asyncio.gather(
        *(one.read(lambda got: b"event: " in got and got.endswith(b"\n\n")) for one in streams)
    )
    assert sum(b'"code":"too_many_streams"' in one for one in got) == most
    assert sum(b"event: hello" in one for one in got) == most
    for one in streams:
        one.socket.close()


async def test_streams_that_are_yet_to_begin_count_as_streams(served_once: Try) -> None:
    await served_once(opens_many)


async def falls_behind(door: Door, _: Poller, stalled: Stalled) -> None:
    """It is let go by the bytes, long before so many events wait."""
    stalled.send(Poller(door, "ann").request("").replace(b"/v1/events", b"/v1/stream"))
    await until(lambda: door.hub.registry.users["ann"].subscribers[1:])
    size, said = 4_000, 0
    person = door.hub.registry.users["ann"]
    while person.subscribers[1:]:
        await door.say("a", size=size)
        await door.heard()
        said += size
        assert said < 2 * door.context.limits.bytes, "what the kernel takes is little"
    assert said > 0.9 * door.context.limits.bytes
    got = await stalled.read()
    assert b'"code":"slow_consumer"' in got[-200:]


async def test_a_stream_for_which_too_many_bytes_wait_is_let_go(served: Try) -> None:
    await served(behind(falls_behind, said=0))
