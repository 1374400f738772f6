"""The sign that a copy of a deployment arrives in a cluster, and that it is complete."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from app.errors import ParleyError
from app.kafka.admin import connected, partition_counts, provision
from app.settings import Settings
from app.topics import COPYING, DEPLOYMENT, Topic

#: Seconds to wait for the broker, and for the sign to disappear.
_WITHIN: Final = 30.0


async def arriving(settings: Settings) -> None:
    """Put the sign up: no worker and no edge starts in this cluster before `complete`.

    Raises `ParleyError` where the cluster has a deployment that no copy has begun.
    """
    async with connected(settings, _WITHIN) as admin:
        there = await partition_counts(admin)
    if COPYING in there:
        return
    if DEPLOYMENT in there:
        raise ParleyError(
            f"the cluster at {settings.broker} has a deployment: delete every topic of Parley there"
            " if it is to be replaced, or choose another cluster"
        )
    await provision(replace(settings, partitions=1), [Topic(COPYING)])


async def is_arriving(settings: Settings) -> bool:
    """Whether the sign is there."""
    async with connected(settings, _WITHIN) as admin:
        return COPYING in await partition_counts(admin)


async def complete(settings: Settings) -> None:
    """Take the sign down; return when it is gone."""
    async with connected(settings, _WITHIN) as admin:
        await admin.delete_topics([COPYING])
        async with asyncio.timeout(_WITHIN):
            while COPYING in await partition_counts(admin):  # noqa: ASYNC110 - it is in Kafka
                await asyncio.sleep(0.1)
