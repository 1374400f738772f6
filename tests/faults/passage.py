"""A network between a server and one of its clients, which can be cut."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from app.embedded.kafka import Kafka, Quorum
from app.embedded.ports import free_port

_CHUNK = 64 * 1024


class Passage:
    """A port behind which a server on another port is reached, until it is cut.

    Then nothing goes through, and nobody is told: connections stay, and new ones are not refused.
    What was under way arrives when it is mended, as it does in a network that comes back.
    """

    def __init__(self, behind: int = 0) -> None:
        self.port = free_port()
        self.behind = behind or free_port()
        self._open = asyncio.Event()
        self._open.set()
        self._joined: set[asyncio.Task[None]] = set()
        #: Connections opened before the last of these are silent for good.
        self._silences = 0

    def silence(self) -> None:
        """Swallow everything of the present connections for good; new ones are as before.

        So does a firewall that has forgotten them.
        """
        self._silences += 1

    def cut(self) -> None:
        """Let nothing through."""
        self._open.clear()

    def mend(self) -> None:
        """Let everything through."""
        self._open.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._joined:
            task.cancel()
        await asyncio.gather(*self._joined, return_exceptions=True)

    async def _join(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._joined.add(task)
        try:
            await self._open.wait()
            far, to_far = await asyncio.open_connection("127.0.0.1", self.behind)
            silences = self._silences
            await asyncio.gather(
                self._pump(near, to_far, silences), self._pump(far, to_near, silences)
            )
        except OSError:
            to_near.close()
        finally:
            self._joined.discard(task)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, silences: int
    ) -> None:
        try:
            while data := await source.read(_CHUNK):
                await self._open.wait()
                if silences != self._silences:
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            pass  # either end may be killed
        finally:
            sink.close()


class FarKafka(Kafka):
    """A broker that is reached directly, as any, and by a passage."""

    def __init__(self, folder: Path, passage: Passage) -> None:
        super().__init__(folder)
        self.passage = passage

    @property
    def far(self) -> str:
        """What `PARLEY_BROKER` is for who is beyond the passage."""
        return f"kafka://127.0.0.1:{self.passage.port}"

    def _configure(self, quorum: Quorum) -> Path:
        config = super()._configure(quorum)
        near, controller = f"PLAINTEXT://{self.address}", quorum.controllers[0]
        behind, before = (f"FAR://127.0.0.1:{p}" for p in (self.passage.behind, self.passage.port))
        with config.open("a") as file:  # Of two lines of one name the later counts.
            file.write(
                f"listeners={near},CONTROLLER://127.0.0.1:{controller},{behind}\n"
                f"advertised.listeners={near},{before}\n"
                "listener.security.protocol.map="
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,FAR:PLAINTEXT\n"
            )
        return config
