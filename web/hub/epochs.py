"""Epochs of the log: no event of one is delivered before this edge knows of it.

The agent that empties the view for an epoch says so first, on the same connection as the events
that follow. The edge hears of the epoch from Kafka, too, and then ends or goes on with it: until
then the next messages wait. Otherwise an event of the epoch could pass for the next one after an
event that is no part of the log any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

import structlog

from app.delivery.lookups import Lookups
from web.hub.delivery_state import DeliveryState

log = structlog.get_logger()

#: Seconds for Kafka to say what Valkey says.
_WITHIN: Final = 30.0


class Epochs:
    """Takes notices of epochs; after a missed one it looks them up."""

    def __init__(self, state: DeliveryState, lookups: Lookups) -> None:
        self._state = state
        self._lookups = lookups

    def on_notice(self, data: bytes) -> Awaitable[None] | None:
        """Let later messages wait until the edge knows of the epoch: `partition epoch`."""
        partition, epoch = map(int, data.split())
        if self._state.deployment.epoch(partition) >= epoch:
            return None
        return self._known(partition, epoch)

    async def catch_up(self) -> None:
        """Wait for the epochs of the view; to be called with each new connection."""
        epochs = await self._lookups.epochs(len(self._state.frontier))
        for partition, epoch in enumerate(epochs):
            if self._state.deployment.epoch(partition) < epoch:
                await self._known(partition, epoch)

    async def _known(self, partition: int, epoch: int) -> None:
        log.info("waiting for an epoch of the log", partition=partition, epoch=epoch)
        try:
            async with asyncio.timeout(_WITHIN):
                while self._state.deployment.epoch(partition) < epoch:
                    await self._state.adopted()
        except TimeoutError:
            log.error("the view is of an unknown epoch", partition=partition, epoch=epoch)
