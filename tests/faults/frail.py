"""A whole Parley with parts of its own, to be killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.history.store import History
from app.settings import Settings
from tests.conftest import SECRET
from tests.faults.load import Load
from tests.support.chat import Chat, data_folder, until

#: How often each fault comes in one test, each time at a random moment.
TIMES = 2

#: What happened, and the seconds until all went on.
Resumed = list[tuple[str, float]]

#: Seconds after which nothing will go on by itself any more. `make faults` wants less
#: (tests/faults/count.py), and two cores of one's own; a busy machine may take its time.
NEVER = 120.0


class Frail:
    """A chat whose Kafka, Valkey, workers and edges a test may do anything to."""

    def __init__(self, kafka: Kafka, valkey: Valkey, chat: Chat, resumed: Resumed) -> None:
        self.kafka = kafka
        self.valkey = valkey
        self.chat = chat
        self.resumed = resumed

    async def back(self, load: Load, what: str, *, stored: bool = False) -> None:
        """Call it at a fault's end: rooms get their numbers again, and all readers see them.

        With `stored`, the history store has them, too.
        """
        began = time.monotonic()
        first = await load.everywhere(within=NEVER)
        if stored:
            await self._stored(first)
        self.resumed.append((what, time.monotonic() - began))

    async def _stored(self, first: dict[str, int]) -> None:
        history = History(self.chat.settings.history_url)

        async def all_are() -> bool:
            return all([await history.newest_seq(room) >= seq for room, seq in first.items()])

        try:
            await until(all_are, within=NEVER)
        finally:
            await history.close()

    async def unharmed(self, load: Load) -> None:
        """Nothing was lost, doubled or disordered, and everything that is kept adds up."""
        found = load.faults()
        assert not found, "\n".join(found)
        code, told = await self.chat.parley("verify")
        assert code == 0, told

    async def second_worker(self) -> Child:
        """Another worker, `w2`, once it has its share of the partitions."""
        worker = self.chat.start_worker("w2")
        await at_work(worker)
        return worker


@asynccontextmanager
async def frail_chat(
    folder: Path,
    resumed: Resumed,
    kafka: Kafka | None = None,
    code: Path | None = None,
    **changes: Any,
) -> AsyncIterator[Frail]:
    """One worker and one edge, of other `code` perhaps, on a Kafka and a Valkey of their own."""
    kafka = kafka or Kafka(folder / "kafka")
    async with kafka, Valkey(folder / "valkey") as valkey:
        own = {"broker": kafka.url, "redis": valkey.url, "data": data_folder(folder)}
        chat = Chat(Settings(**{**own, "secret": SECRET, **changes}))
        try:
            await chat.start(code)
            yield Frail(kafka, valkey, chat, resumed)
        finally:
            await chat.stop()


@asynccontextmanager
async def kept_running(*children: Child) -> AsyncIterator[list[int]]:
    """Starts again what ends, as a supervisor does; gives the codes that they ended with."""
    ends: list[int] = []

    async def keep(child: Child) -> None:
        while True:
            if await child.ended(60) and (code := child.exit_code) is not None:
                ends.append(code)
                child.start()

    keeping = [asyncio.create_task(keep(child)) for child in children]
    try:
        yield ends
    finally:
        for one in keeping:
            one.cancel()


async def at_work(worker: Child, times: int = 1) -> None:
    """Return when the worker has its share of the partitions, in its so manieth life."""

    async def said() -> bool:
        return worker.log.read_text().count("ready") >= times

    await until(said, worker.tail)
