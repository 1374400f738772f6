"""Noticing that the log has begun an epoch, and that the deployment has moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from app.deployment.topic import PARTITION, moved_away
from app.domain.deployment import Deployment
from app.errors import Malformed
from app.events import DeploymentKept, DeploymentMoved, EpochBegun, decode_beginning
from app.kafka.broadcast_reader import BroadcastReader
from app.settings import Settings
from app.topics import DEPLOYMENT, LOG

log = structlog.get_logger()


class DeploymentWatch:
    """Follows `chat.deployment`, and calls `changed` with what a process can't go on after.

    That is that the deployment has moved to another cluster and, for a process that follows
    `epochs`, each epoch that `known` lacks.
    """

    def __init__(
        self,
        settings: Settings,
        known: Deployment,
        changed: Callable[[str], None],
        *,
        epochs: bool,
    ) -> None:
        self._known = known
        self._changed = changed
        self._epochs = epochs
        self._moved_to = ""
        self._has_all = False
        self._reader = BroadcastReader(settings, [DEPLOYMENT], self._take)

    async def start(self) -> None:
        """Begin to follow the topic."""
        await self._reader.start()
        self._has_all = True
        self._end_if_moved()

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
        match one:
            case EpochBegun() if self._epochs and one.epoch > self._known.epoch(one.partition):
                place = f"partition {one.partition} of {LOG}"
                self._changed(f"{place} has begun epoch {one.epoch}: {one.why}")
            case DeploymentMoved():
                self._moved_to = one.to
                self._end_if_moved()
            case DeploymentKept():
                self._moved_to = ""

    def _end_if_moved(self) -> None:
        """Not before all is read: an earlier move may have been given up."""
        if self._has_all and self._moved_to:
            self._changed(moved_away(self._moved_to))
