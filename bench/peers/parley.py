"""Parley in the comparison: its own processes, the client of the other benchmarks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.errors import ParleyError
from app.local.demo_room import address
from app.operations.edge_client import EdgeClient
from bench.audience import head
from bench.peers.load import SENDER, Load, Tally
from bench.running import Running, running
from bench.wire import Lane, Stream


@asynccontextmanager
async def parley(folder: Path, load: Load, tally: Tally) -> AsyncIterator[Parley]:
    """A Parley with its rooms and readers, data in `folder`."""
    async with running(folder) as there:
        peer = Parley(there, load, tally)
        await peer.gather()
        yield peer


class Parley:
    """Kafka, Valkey, a worker and an edge; a message counts as accepted with its 201."""

    name = "Parley"

    def __init__(self, there: Running, load: Load, tally: Tally) -> None:
        self.pids = {name: child.pid for name, child in there.children.items()}
        self._settings = there.settings
        self._load = load
        self._tally = tally
        self._free: list[Lane] = []
        self._heads = [
            head(self._settings, "POST", f"/v1/rooms/r-{room}/messages", SENDER)
            + b"Content-Type: application/json\r\n"
            for room in range(load.rooms)
        ]

    async def gather(self) -> None:
        """Open the rooms and the streams."""
        async with EdgeClient(self._settings, address(self._settings)) as posting:
            await asyncio.gather(*(self._open(posting, i) for i in range(self._load.rooms)))
        for room in range(self._load.rooms):
            for user in self._load.live(room):
                await self._listen(user)

    async def _open(self, posting: EdgeClient, room: int) -> None:
        await posting.post("/v1/rooms", SENDER, {"room": f"r-{room}", "client_id": "open"})
        for user in self._load.others(room):
            wish = {"user": user, "client_id": f"add-{user}"}
            await posting.post(f"/v1/rooms/r-{room}/members", SENDER, wish)

    async def _listen(self, user: str) -> None:
        request = head(self._settings, "GET", "/v1/stream", user) + b"\r\n"
        _, stream = await asyncio.get_running_loop().create_connection(
            lambda: Stream(request, lambda _, index, delay: self._tally.heard(index, delay)),
            self._settings.host,
            self._settings.port,
        )
        await asyncio.wait_for(stream.hello, 10)

    async def send(self, room: int, index: int) -> None:
        """Send on a connection that is free."""
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        lane = await self._lane()

        def note(status: int, _: int) -> None:
            if not answered.done():  # cancelled, where time was over
                answered.set_result(status)

        lane.send(self._heads[room], index, note)
        if (status := await answered) != 201:
            raise ParleyError(f"Parley answered {status}")

    async def _lane(self) -> Lane:
        while not self._free or not self._free[-1].kept:
            if self._free:
                self._free.pop()
            else:
                await asyncio.get_running_loop().create_connection(
                    lambda: Lane(self._free.append), self._settings.host, self._settings.port
                )
        return self._free.pop()
