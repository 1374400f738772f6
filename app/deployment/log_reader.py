"""Reading `chat.log` as what it is: without events that are no part of it any more.

A region that was taken over, and is back, has such events between others. A deployment of one
region has none: its log lost them when it began an epoch.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, Final

from app.deployment.topic import read_deployment
from app.domain.deployment import Deployment
from app.errors import Malformed
from app.events import POS, position_of
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG

#: Seconds until a reader that is kept looks the epochs up once more.
_FRESH: Final = 1.0


class LogReader(PartitionReader):
    """A `PartitionReader` that leaves out the events of `chat.log` that are no part of it.

    It looks the epochs up before it reads the log.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._has_regions = bool(settings.region)
        self._deployment = Deployment()
        self._looked_at = -_FRESH
        self._is_fixed = False

    async def fixed_deployment(self) -> Deployment:
        """The deployment of now, by whose epochs this reader reads from then on.

        For a decision on the end of the log, which must not change in between.
        """
        self._deployment = await read_deployment(self)
        self._is_fixed = True
        return self._deployment

    async def read(
        self, topic: str, partition: int, start: int, end: int | None = None
    ) -> AsyncIterator[Any]:
        """The records from offset `start` to before `end`, by default the end of today."""
        records = super().read(topic, partition, start, end)
        if topic != LOG or not self._has_regions:
            async for record in records:
                yield record
            return
        if not self._is_fixed and time.monotonic() - self._looked_at > _FRESH:
            self._deployment = await read_deployment(self)
            self._looked_at = time.monotonic()
        deployment = self._deployment
        async for record in records:
            if is_part(record, deployment):
                yield record


def is_part(record: Any, deployment: Deployment) -> bool:
    """Whether a record of `chat.log` is a part of it; a record without a position is one."""
    if not deployment.epochs:
        return True
    try:
        position = position_of(header_of(record, POS), record.offset)
    except Malformed:
        return True
    return deployment.has(record.partition, position)
