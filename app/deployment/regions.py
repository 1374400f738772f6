"""How a region takes part in a deployment of several: all have its id, and the same homes.

The first region of `PARLEY_REGIONS` makes the deployment and gives each partition its home. The
others take both from its topic, which their mirror brings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from app.deployment.topic import begin, read_deployment
from app.domain.deployment import Deployment
from app.errors import ParleyError
from app.events import AnyBeginning, DeploymentMade, HomesGiven, KeysDerived
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import DEPLOYMENT, LOG, of_region

#: Seconds to wait for the mirror, and between two looks.
_WITHIN: Final = 60.0
_PAUSE: Final = 0.5


async def join_regions(
    settings: Settings, make: Callable[[Settings], Awaitable[Deployment]]
) -> Deployment:
    """The deployment with its homes; `make` gives the first region's its id.

    Raises `ParleyError` where this cluster has a deployment of its own, and where nothing has come
    of the first region.
    """
    first = next(iter(settings.region_brokers))
    async with PartitionReader(settings) as reader:
        known = await read_deployment(reader)
        if known.id and known.homes:
            _require_known(settings, known)
            _require_order(settings, known)
            return known
        if settings.region == first:
            await make(settings)
            is_new = not any(await reader.ends(LOG, settings.partitions))
            return await begin(settings, _homes(settings, spread=is_new))
        theirs = await _of_first(settings, reader, first)
        if known.id and known.id != theirs.id:
            raise ParleyError(
                f"the Kafka cluster at {settings.broker} has a deployment of its own: the region"
                f" {settings.region} needs an empty cluster, to which the one of {first} comes"
            )
        _require_order(settings, theirs)
    taken: list[AnyBeginning] = [DeploymentMade(id=theirs.id, at_ms=now_ms())]
    if theirs.keys_from_ms is not None:
        taken.append(KeysDerived(from_ms=theirs.keys_from_ms))
    # Those of a deployment that had one region. Later ones come with the homes of their region.
    taken += [one for one in theirs.epochs if not one.home]
    taken.append(HomesGiven(homes=theirs.homes, regions=theirs.regions, at_ms=now_ms()))
    return await begin(settings, *taken)


def _require_known(settings: Settings, known: Deployment) -> None:
    """Raise `ParleyError` where a home is a region that the settings don't have."""
    homes = {known.home(partition, settings.region) for partition in range(settings.partitions)}
    if strange := sorted(homes - settings.region_brokers.keys()):
        raise ParleyError(
            f"partitions are at home in {', '.join(strange)}, which PARLEY_REGIONS does not name:"
            f" {settings.regions}. A region keeps its name; move its homes before you take it out"
        )


def _require_order(settings: Settings, known: Deployment) -> None:
    """Raise `ParleyError` where regions are in another order than those of the deployment.

    Two regions in each other's place would begin epochs of the same numbers.
    """
    names = tuple(settings.region_brokers)
    if names[: len(known.regions)] != known.regions:
        raise ParleyError(
            f"PARLEY_REGIONS begins with {', '.join(known.regions)} in this deployment, in this"
            f" order, and new regions come behind them: {settings.regions}"
        )


def _homes(settings: Settings, *, spread: bool) -> HomesGiven:
    """The homes: of a new deployment all regions in turn, of an older one where its log is."""
    names = list(settings.region_brokers)
    homes = (
        names[partition % len(names)] if spread else settings.region
        for partition in range(settings.partitions)
    )
    return HomesGiven(homes=tuple(homes), regions=tuple(names), at_ms=now_ms())


async def _of_first(settings: Settings, reader: PartitionReader, first: str) -> Deployment:
    """The deployment as the first region has it, once the mirror has brought it."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + _WITHIN
    while True:
        theirs = await read_deployment(reader, of_region(first, DEPLOYMENT))
        if theirs.id and theirs.homes:
            return theirs
        if loop.time() >= latest:
            raise ParleyError(
                f"nothing has come of the deployment of the region {first} within {_WITHIN:.0f} s:"
                f" start a worker there, and `parley mirror` in the region {settings.region}"
            )
        await asyncio.sleep(_PAUSE)
