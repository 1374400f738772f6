"""Noticing that the log has begun an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from app.deployment.topic import PARTITION
from app.domain.deployment import Deployment
from app.errors import Malformed
from app.events import EpochBegun, decode_beginning
from app.kafka.broadcast_reader import BroadcastReader
from app.settings import Settings
from app.topics import DEPLOYMENT, LOG

log = structlog.get_logger()


class EpochWatch:
    """Calls `begun` with the reason of each epoch that `known` lacks."""

    def __init__(self, settings: Settings, known: Deployment, begun: Callable[[str], None]) -> None:
        self._known = known
        self._begun = begun
        self._reader = BroadcastReader(settings, [DEPLOYMENT], self._take)

    async def start(self) -> None:
        """Begin to follow the topic."""
        await self._reader.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    def _take(self, record: Any) -> None:
        if record.partition != PARTITION:
            return
        try:
            one = decode_beginning(record.value)
        except Malformed as error:
            log.warning("record skipped", topic=DEPLOYMENT, reason=str(error))
            return
        if isinstance(one, EpochBegun) and one.epoch > self._known.epoch(one.partition):
            place = f"partition {one.partition} of {LOG}"
            self._begun(f"{place} has begun epoch {one.epoch}: {one.why}")
