"""Rooms full of readers, and the messages that each of them received."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

from app.local.demo_room import address
from app.operations.edge_client import EdgeClient
from app.runtime.dev_tokens import mint
from app.settings import Settings
from bench.wire import Stream

OWNER = "sender"


@dataclass
class Seat:
    """One reader in one room: each message's `n` and index, in the order of their receipt."""

    room: int
    numbers: list[int] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)

    def faults(self, expected: set[int]) -> dict[str, int]:
        """How many of the expected messages were lost, doubled, or came out of order."""
        once = set(self.indexes)
        return {
            "lost": len(expected - once),
            "doubled": len(self.indexes) - len(once),
            "disordered": sum(after < before for before, after in pairwise(self.numbers)),
        }


class Audience:
    """`readers` streams, dealt out to `rooms` rooms; `delays` has a figure for each receipt."""

    def __init__(self, settings: Settings, rooms: int, readers: int) -> None:
        self.rooms = [f"bench-{i}" for i in range(rooms)]
        self.seats = [Seat(i % rooms) for i in range(readers)]
        #: Nanoseconds from POST to receipt, of messages from index `measure_from` on.
        self.delays: list[int] = []
        self.measure_from = 0
        self._settings = settings

    async def gather(self) -> None:
        """Open the rooms and the streams; returns when every reader is live."""
        async with EdgeClient(self._settings, address(self._settings)) as posting:
            await asyncio.gather(*(self._open(posting, i) for i in range(len(self.rooms))))
        for i, seat in enumerate(self.seats):
            await self._listen(_name(i), seat)

    def expected(self, room: int, count: int) -> set[int]:
        """Which of the first `count` messages went to the room."""
        return set(range(room, count, len(self.rooms)))

    async def complete(self, count: int, within: float) -> None:
        """Return when the first `count` messages are everywhere, or time is over."""
        each = [len(self.expected(room, count)) for room in range(len(self.rooms))]
        deadline = asyncio.get_running_loop().time() + within
        while any(len(seat.indexes) < each[seat.room] for seat in self.seats):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.05)

    def faults(self, count: int) -> dict[str, int]:
        """The faults in the readers' copies of the first `count` messages."""
        sums = {"lost": 0, "doubled": 0, "disordered": 0}
        for seat in self.seats:
            for name, value in seat.faults(self.expected(seat.room, count)).items():
                sums[name] += value
        return sums

    async def _open(self, posting: EdgeClient, index: int) -> None:
        room = self.rooms[index]
        await posting.post("/v1/rooms", OWNER, {"room": room, "client_id": "open"})
        for i, seat in enumerate(self.seats):
            if seat.room == index:
                wish = {"user": _name(i), "client_id": f"add-{i}"}
                await posting.post(f"/v1/rooms/{room}/members", OWNER, wish)

    async def _listen(self, user: str, seat: Seat) -> None:
        def on_message(n: int, index: int, delay: int) -> None:
            seat.numbers.append(n)
            seat.indexes.append(index)
            if index >= self.measure_from:
                self.delays.append(delay)

        request = head(self._settings, "GET", "/v1/stream", user) + b"\r\n"
        _, stream = await asyncio.get_running_loop().create_connection(
            lambda: Stream(request, on_message), self._settings.host, self._settings.port
        )
        await asyncio.wait_for(stream.hello, 10)


def head(settings: Settings, method: str, path: str, user: str) -> bytes:
    """A request's first lines, to which its last header and the empty line are added."""
    host = urlsplit(address(settings)).netloc
    token = mint(settings, user)
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n".encode()


def _name(index: int) -> str:
    return f"reader-{index}"
