"""Synapse, a Matrix homeserver, in the comparison: on SQLite, and on PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.errors import ParleyError
from bench.peers.homeserver import configured, installed
from bench.peers.load import SENDER, Load, Tally
from bench.peers.matrix import Matrix
from tests.support.postgres import Postgres, binaries

#: Requests at once while rooms are made.
_AT_ONCE = 8


@asynccontextmanager
async def synapse(folder: Path, load: Load, tally: Tally) -> AsyncIterator[Synapse]:
    """A Synapse on SQLite with its rooms and readers, data in `folder`."""
    database = {"name": "sqlite3", "args": {"database": str(folder / "synapse.db")}}
    async with (
        _running(folder, database) as (matrix, pids),
        Synapse(matrix, pids, load, tally) as peer,
    ):
        yield peer


@asynccontextmanager
async def synapse_on_postgres(folder: Path, load: Load, tally: Tally) -> AsyncIterator[Synapse]:
    """The same on a PostgreSQL of its own, as the tests start one."""
    if (programs := binaries()) is None:
        raise ParleyError("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    postgres = Postgres(programs)
    try:
        postgres.start()
        where = {"host": "127.0.0.1", "port": postgres.port, "user": "parley", "dbname": "parley"}
        database = {"name": "psycopg2", "args": {**where, "cp_min": 5, "cp_max": 10}}
        async with (
            _running(folder, database) as (matrix, pids),
            Synapse(matrix, pids, load, tally) as peer,
        ):
            yield peer
    finally:
        postgres.stop()


@asynccontextmanager
async def _running(
    folder: Path, database: dict[str, Any]
) -> AsyncIterator[tuple[Matrix, dict[str, int]]]:
    python = installed()
    port, secret = free_port(), token_hex(32)
    config = configured(folder, port, secret, database)
    command: list[str | Path] = [python, "-m", "synapse.app.homeserver", "-c", config]
    keys = Child([*command, "--generate-keys"], folder / "keys.log")
    if await keys.run(within=60):
        raise ParleyError(f"Synapse makes no keys: {keys.tail()}")
    child = Child(command, folder / "synapse.log")
    try:
        async with Matrix(f"http://127.0.0.1:{port}", secret) as matrix:
            await child.up("Synapse", matrix.answers, 90, child.tail)
            yield matrix, {"synapse": child.pid}
    finally:
        await child.stop()


class Synapse:
    """One process; a message counts as accepted with its event's id."""

    name = "Synapse"

    def __init__(self, matrix: Matrix, pids: dict[str, int], load: Load, tally: Tally) -> None:
        self.pids = pids
        self._matrix = matrix
        self._load = load
        self._tally = tally
        #: Where each live reader begins, by token.
        self._since: dict[str, str] = {}
        self._readers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Make accounts and rooms, and start the readers."""
        self._token = await self._matrix.register(SENDER)
        wish = {"preset": "public_chat"}
        path = "/_matrix/client/v3/createRoom"
        self._rooms = [
            (await self._matrix.call("POST", path, self._token, wish))["room_id"]
            for _ in range(self._load.rooms)
        ]
        each = range(self._load.rooms)
        await _some_at_once(self._join(r, user) for r in each for user in self._load.others(r))
        self._readers = [
            asyncio.create_task(self._matrix.listen(token, since, self._tally.heard))
            for token, since in self._since.items()
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _join(self, room: int, user: str) -> None:
        token = await self._matrix.register(user)
        path = f"/_matrix/client/v3/rooms/{self._rooms[room]}/join"
        await self._matrix.call("POST", path, token)
        if user in self._load.live(room):
            self._since[token] = await self._matrix.now(token)

    async def send(self, room: int, index: int) -> None:
        """Send in the sender's name."""
        path = f"/_matrix/client/v3/rooms/{self._rooms[room]}/send/m.room.message/{index}"
        body = {"msgtype": "m.text", "body": f"{index} {time.monotonic_ns()}"}
        await self._matrix.call("PUT", path, self._token, body)


async def _some_at_once(all_of_them: Iterable[Awaitable[None]]) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(of_them: Awaitable[None]) -> None:
        async with turns:
            await of_them

    await asyncio.gather(*map(one, all_of_them))
