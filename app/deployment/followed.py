"""The deployment as it is now, in a process that follows `chat.deployment`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from app.deployment.topic import PARTITION
from app.domain.deployment import Deployment, deployment_of
from app.errors import Malformed
from app.events import AnyBeginning, decode_beginning
from app.kafka.broadcast_reader import BroadcastReader
from app.settings import Settings
from app.topics import DEPLOYMENT

log = structlog.get_logger()

#: Seconds within which a record that is in Kafka is read.
_WITHIN: Final = 30.0


class FollowedDeployment:
    """`now` is the deployment according to all that has been read.

    `changed` is called when all of the topic has been read, and then after each new record.
    """

    def __init__(self, settings: Settings, changed: Callable[[], None] = lambda: None) -> None:
        self.now = Deployment()
        self._changed = changed
        self._has_all = False
        self._beginnings: list[AnyBeginning] = []
        self._news = asyncio.Event()
        self._reader = BroadcastReader(settings, [DEPLOYMENT], self._take)

    async def start(self) -> None:
        """Return when every record has been read that Kafka had at the time of the call."""
        await self._reader.start()
        self._has_all = True
        self._changed()

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    async def until(self, holds: Callable[[Deployment], bool]) -> Deployment:
        """The deployment as soon as this holds for it; raises `TimeoutError` where it stays away.

        For a process that has written something, or has read it by itself.
        """
        async with asyncio.timeout(_WITHIN):
            while not holds(self.now):
                self._news.clear()
                await self._news.wait()
        return self.now

    def _take(self, record: Any) -> None:
        if record.partition != PARTITION:
            return
        try:
            self._beginnings.append(decode_beginning(record.value))
        except Malformed as error:
            log.warning("record skipped", topic=DEPLOYMENT, reason=str(error))
            return
        self.now = deployment_of(self._beginnings)
        self._news.set()
        if self._has_all:
            self._changed()


_shared: dict[str, asyncio.Task[FollowedDeployment]] = {}


async def followed_deployment(settings: Settings) -> FollowedDeployment:
    """The deployment, followed once for all agents of this process."""
    starting = _shared.get(settings.broker)
    if starting is None or (starting.done() and (starting.cancelled() or starting.exception())):
        # A task, so that agents that ask at the same time share it.
        starting = _shared[settings.broker] = asyncio.create_task(_started(settings))
    return await asyncio.shield(starting)


async def _started(settings: Settings) -> FollowedDeployment:
    followed = FollowedDeployment(settings)
    await followed.start()
    return followed
