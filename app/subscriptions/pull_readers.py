"""The readers of pulled subscriptions at this edge, by subscription and name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from aiokafka.errors import KafkaError
from redis import asyncio as aioredis

from app.errors import Unreachable
from app.events import Subscription
from app.settings import Settings
from app.subscriptions.acknowledgement import require_past
from app.subscriptions.event_window import EventWindow
from app.subscriptions.partition_leases import LIFE_MS, PartitionLeases
from app.subscriptions.pull_commits import PullCommits
from app.subscriptions.pull_cursor import PullCursor
from app.subscriptions.pull_reader import PullReader

#: The most readers at an edge: each may hold events of 64 MiB in pieces, which they share.
MOST: Final = 500


class TooManyReaders(Exception):
    """This edge has as many readers of pulled subscriptions as it may."""


class PullReaders:
    """Keeps readers between the polls of their clients."""

    def __init__(
        self, settings: Settings, redis: aioredis.Redis, origin: Callable[[str, int], int]
    ) -> None:
        self._settings = settings
        self._redis = redis
        self._window = EventWindow(settings, origin)
        self._readers: dict[tuple[str, str], PullReader] = {}
        self._commits: dict[str, PullCommits] = {}
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to let readers go whose clients ask no more."""
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Let all readers go."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for key in list(self._readers):
            await self._end(key)
        for commits in self._commits.values():
            await commits.stop()
        await self._window.stop()

    async def reader(self, subscription: Subscription, name: str) -> PullReader:
        """The reader of this name; raises `TooManyReaders` and `Unreachable`."""
        key = (subscription.id, name)
        known = self._readers.get(key)
        if known is not None and known.subscription == subscription:
            await known.begin_again()
            return known
        if known is not None:
            await self._end(key)
        if len(self._readers) >= MOST:
            raise TooManyReaders(f"this edge has {MOST} readers")
        leases = PartitionLeases(self._redis, subscription.id, name, self._settings.partitions)
        made = PullReader(subscription, self._window, leases, await self._of(subscription))
        self._readers[key] = made
        return made

    async def acknowledge(
        self, subscription: Subscription, cursors: Collection[PullCursor]
    ) -> None:
        """Commit what a client is done with.

        Raises `Malformed` for a cursor beyond the newest event, and `KafkaError`.
        """
        await self._window.with_reader(lambda reader: require_past(reader, cursors))
        await (await self._of(subscription)).acknowledge(cursors)
        for (name, _), reader in self._readers.items():
            if name == subscription.id:
                reader.acknowledged(cursors)

    async def _of(self, subscription: Subscription) -> PullCommits:
        known = self._commits.get(subscription.id)
        if known is None or known.subscription != subscription:
            made = PullCommits(self._settings, subscription)
            self._commits[subscription.id] = made
            if known is not None:
                await known.stop()
            return made
        return known

    async def _end(self, key: tuple[str, str]) -> None:
        reader = self._readers.pop(key, None)
        if reader is not None:
            with suppress(Unreachable):
                await reader.stop()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(LIFE_MS / 4000)
            latest = time.monotonic() - LIFE_MS / 1000
            for key in [key for key, reader in self._readers.items() if reader.used < latest]:
                await self._end(key)


#: What reading for a client may fail with while a part is away.
AWAY: Final[tuple[type[Exception], ...]] = (Unreachable, KafkaError, OSError)
