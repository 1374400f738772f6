"""Keeping readers off a view that has events which are no part of the log any more.

When the log begins an epoch, edges start anew, and `fan_out` empties the view and makes it anew. An
edge may be the faster one.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from redis import asyncio as aioredis

from app.delivery import keys
from app.domain.deployment import Deployment
from app.runtime.retry import retry_while_away

log = structlog.get_logger()

#: Seconds between two looks.
_EVERY: Final = 0.2


class EpochGate:
    """`open` is whether the view may be read, as far as epochs are concerned.

    A view never goes back to an earlier epoch, so a gate that is open stays open.
    """

    def __init__(self, *, is_open: bool = True) -> None:
        self.open = is_open


def gate_of(deployment: Deployment) -> EpochGate:
    """The gate of a process that has just started: open where the log has begun no epoch."""
    return EpochGate(is_open=not deployment.epochs)


async def open_gate(
    gate: EpochGate, redis: aioredis.Redis, deployment: Deployment, partitions: int
) -> None:
    """Open the gate when the view of each partition is of the epoch of its log."""
    if gate.open:
        return
    wanted = [deployment.epoch(partition) for partition in range(partitions)]
    names = [keys.epoch(partition) for partition in range(partitions)]
    waited = False
    while True:
        found = await retry_while_away("Valkey", redis.mget, names)
        if all(int(there or 0) >= epoch for there, epoch in zip(found, wanted, strict=True)):
            break
        if not waited:
            log.warning("waiting for a view of the log's present epoch")
            waited = True
        await asyncio.sleep(_EVERY)
    gate.open = True
