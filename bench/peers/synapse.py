"""Synapse, Matrix's reference homeserver, on SQLite, from PyPI into an environment of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Self

import orjson

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.errors import ParleyError
from app.supervisor import ROOT
from bench.peers.load import SENDER, Load, Tally
from bench.peers.matrix import Matrix

_VERSION = "1.163.2"
_VENV = ROOT / ".cache" / "peers" / f"synapse-{_VERSION}"
#: Requests at once while rooms are made.
_AT_ONCE = 8
_LIMITS = ("message", "registration", "admin_redaction", "joins_per_room")
_SECRETS = ("registration_shared_secret", "macaroon_secret_key", "form_secret")
_NO_LIMIT = {"per_second": 1e6, "burst_count": 1000000}


@asynccontextmanager
async def synapse(folder: Path, load: Load, tally: Tally) -> AsyncIterator[Synapse]:
    """A Synapse with its rooms and readers, data in `folder`."""
    python = _installed()
    port, secret = free_port(), token_hex(32)
    config = _configured(folder, port, secret)
    command: list[str | Path] = [python, "-m", "synapse.app.homeserver", "-c", config]
    keys = Child([*command, "--generate-keys"], folder / "keys.log")
    if await keys.run(within=60):
        raise ParleyError(f"Synapse makes no keys: {keys.tail()}")
    child = Child(command, folder / "synapse.log")
    try:
        async with Matrix(f"http://127.0.0.1:{port}", secret) as matrix:
            await child.up("Synapse", matrix.answers, 90, child.tail)
            async with Synapse(matrix, child.pid, load, tally) as peer:
                yield peer
    finally:
        await child.stop()


class Synapse:
    """One process; accepted is what was answered with its event's id."""

    name = "Synapse"

    def __init__(self, matrix: Matrix, pid: int, load: Load, tally: Tally) -> None:
        self.pids = {"synapse": pid}
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


def _installed() -> Path:
    """The environment's Python; made where there is none, which takes a minute."""
    python = _VENV / "bin" / "python"
    if not (_VENV / "ready").exists():
        print(f"Installing Synapse {_VERSION} (once)", flush=True)
        made: list[str | Path] = [sys.executable, "-m", "venv", _VENV]
        filled: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
        for command in (made, [*filled, f"matrix-synapse=={_VERSION}"]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            if done.returncode:
                raise ParleyError(f"Synapse can't be installed: {done.stderr.strip()[-500:]}")
        (_VENV / "ready").touch()
    return python


def _configured(folder: Path, port: int, secret: str) -> Path:
    """Rate limits, federation and presence off; the rest as Synapse has it."""
    folder.mkdir(parents=True)
    listener = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "type": "http",
        "resources": [{"names": ["client"]}],
    }
    config = {
        "server_name": "peer.test",
        "report_stats": False,
        "pid_file": str(folder / "pid"),
        "signing_key_path": str(folder / "key"),
        "media_store_path": str(folder / "media"),
        "log_config": str(folder / "log.yaml"),
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "synapse.db")}},
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "presence": {"enabled": False},
        "bcrypt_rounds": 4,
        **dict.fromkeys(_SECRETS, secret),
        **{f"rc_{name}": _NO_LIMIT for name in _LIMITS},
        "rc_joins": {"local": _NO_LIMIT},
        "rc_room_creation": _NO_LIMIT,
    }
    log = {"version": 1, "handlers": {"out": {"class": "logging.StreamHandler"}}}
    root = {"root": {"level": "WARNING", "handlers": ["out"]}, "disable_existing_loggers": False}
    (folder / "log.yaml").write_bytes(orjson.dumps(log | root))  # JSON is YAML
    (folder / "synapse.yaml").write_bytes(orjson.dumps(config))
    return folder / "synapse.yaml"
