"""A server that Parley starts itself, on 127.0.0.1, with a folder of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from app.embedded.child import Child
from app.errors import ParleyError


class Server(ABC):
    """A server for the duration of an `async with`.

    `port` 0 stands for a free port, which later starts of this object use again. After a stop or a
    kill the server can be started again on the same port and folder.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder.absolute()
        self.port = port
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The server's process."""
        if self._child is None:
            raise ParleyError(f"{self.name} has not been started")
        return self._child

    @abstractmethod
    async def start(self) -> None:
        """Start the server and wait until it answers; raises `ParleyError` if it does not."""

    async def stop(self) -> None:
        """Stop the server in order."""
        if self._child:
            await self._child.stop()

    def kill(self) -> None:
        """Kill the server as `kill -9` does."""
        if self._child:
            self._child.kill()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
