"""Giving the same bytes to many: in C and in Python, over both kinds of transports."""

from __future__ import annotations

import asyncio
import random
import socket
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import uvloop

from web.hub import sse as frames
from web.hub.broadcast import dispatch
from web.hub.event import Live
from web.hub.herd import Give, giver
from web.hub.room import Room
from web.hub.user import Person
from web.native.loader import built
from web.server.sse_stream import Limits, Stream

NATIVE = built("_broadcast")

without_compiler = pytest.mark.skipif(NATIVE is None, reason="set up without a C compiler")

#: Readers, of which the first few do not read at first, and one goes in between.
LOCAL_READERS, STALLED, GONE = 24, 6, 9

BATCHES = 300
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Seat(asyncio.Protocol):
    """The edge's side of a connection: a stream in the room, nothing else."""

    def __init__(self, room: Room, name: str, arrived: asyncio.Event) -> None:
        self.room = room
        self.arrived = arrived
        self.person = Person(name)
        self.stream: Stream | None = None

    def connection_made(self, transport: Any) -> None:
        limits = Limits(events=100_000, bytes=1 << 30, retry_ms=1)
        self.stream = Stream(self.person, transport, limits, HEAD, lambda _: None)
        self.stream.watch()
        self.person.rooms[self.room] = 1
        self.person.readers.append(self.stream)
        self.room.add(self.person)
        self.stream.begin("0", [])
        self.stream.release()
        self.stream.settle()
        self.arrived.set()

    def pause_writing(self) -> None:
        assert self.stream is not None
        self.stream.pause()

    def resume_writing(self) -> None:
        assert self.stream is not None
        self.stream.resume()

    def connection_lost(self, _: Exception | None) -> None:
        assert self.stream is not None
        self.stream.gone()
        self.person.readers.clear()
        self.person.changed()


class Crowd:
    """Clients of a server in this loop; what each has read so far."""

    def __init__(self) -> None:
        self.room = Room("r", 0)
        self.seats: list[Seat] = []
        self.read: list[bytearray] = []
        self.sockets: list[socket.socket] = []
        self.arrived = asyncio.Event()

    async def __aenter__(self) -> Crowd:
        self._server = await asyncio.get_running_loop().create_server(self._seat, "127.0.0.1", 0)
        for listening in self._server.sockets:
            # Little room in the kernel, so that it often takes a part of a frame.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for _ in range(LOCAL_READERS):
            await self._come()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for client in self.sockets:
            client.close()

    def _seat(self) -> Seat:
        self.seats.append(Seat(self.room, f"reader-{len(self.seats)}", self.arrived))
        return self.seats[-1]

    async def _come(self) -> None:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        address = self._server.sockets[0].getsockname()
        await asyncio.get_running_loop().sock_connect(client, address)
        self.sockets.append(client)
        self.read.append(bytearray())

    async def take(self, index: int, done: Callable[[bytes], bool]) -> None:
        """Have a client read until it has enough, in bits of any size."""
        loop, got = asyncio.get_running_loop(), self.read[index]
        while not done(got):
            bit = await loop.sock_recv(self.sockets[index], random.randint(1, 5000))
            assert bit, "the connection ended"
            got += bit


async def everybody_reads_all(give: Give) -> None:
    async with Crowd() as crowd:
        said = b""
        last = frames.event(b"last", "9")
        reading = [
            asyncio.create_task(crowd.take(i, lambda got: got.endswith(last)))
            for i in range(STALLED, LOCAL_READERS)
            if i != GONE
        ]
        await _seated(crowd)
        for number in range(BATCHES):
            batch = [_live(crowd.room, 10 * number + i) for i in range(random.randint(1, 4))]
            dispatch(batch, give)
            said += b"".join(live.frame for live in batch)
            if number == BATCHES // 2:
                crowd.sockets[GONE].close()
            if number % 7 == 0:
                for seat in crowd.seats:
                    assert seat.stream is not None
                    seat.stream.ping()
            await asyncio.sleep(0)
        dispatch([Live(crowd.room, 0, 0, b"last", "9")], give)
        said += last
        late = [crowd.take(i, lambda got: got.endswith(last)) for i in range(STALLED)]
        async with asyncio.timeout(120):
            await asyncio.gather(*reading, *late)
        for index, got in enumerate(crowd.read):
            if index != GONE:
                assert _said_to(got) == said, f"reader {index}"


async def _seated(crowd: Crowd) -> None:
    async with asyncio.timeout(60):
        while len(crowd.room.audience().everyone) < LOCAL_READERS:
            await crowd.arrived.wait()
            crowd.arrived.clear()


def _live(room: Room, n: int) -> Live:
    return Live(room, n, n, b'{"text":"%b"}' % (b"x" * random.randint(1, 900)), str(n))


def _said_to(got: bytearray) -> bytes:
    """The events that a client has read, without what is said to it alone."""
    hello, _, events = got.partition(b"\nid: 0\n\n")
    assert hello.startswith(HEAD + b"event: hello")
    return events.replace(frames.PING, b"")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    "native", [pytest.param(NATIVE, marks=without_compiler), None], ids=["C", "Python"]
)
async def test_everybody_gets_all_once_in_order_however_they_read(
    native: ModuleType | None, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    def run() -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(everybody_reads_all(giver(native)))

    await asyncio.to_thread(run)


@without_compiler
def test_what_the_kernel_does_not_take_is_handed_back() -> None:
    assert NATIVE is not None
    here, there = socket.socketpair()
    with here, there:
        assert NATIVE.send_all(array("i", [here.fileno(), here.fileno()]), b"ab") == []
        assert there.recv(4) == b"abab"
        much = b"x" * (16 << 20)
        rests = dict(NATIVE.send_all(array("i", [-1, here.fileno(), here.fileno()]), much))
        assert 0 < rests.pop(1) < len(much)
        assert rests == {0: 0, 2: 0}
