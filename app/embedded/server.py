"""A server that Parley starts itself, on 127.0.0.1, with a folder of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from app.embedded.child import Child
from app.errors import ParleyError


class Server(ABC):
    """Runs from the beginning of an `async with` to its end.

    `port` 0 takes a free one at the first start and keeps it for later starts of this object.
    Stopped or killed, it can be started again on the same port and folder.
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
        """Start it and wait until it answers; raises `ParleyError` where it does not come up."""

    async def stop(self) -> None:
        """Stop it, with its data written."""
        if self._child:
            await self._child.stop()

    def kill(self) -> None:
        """End it as `kill -9` does."""
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
