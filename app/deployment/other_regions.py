"""What the other regions say of epochs and homes, taken into this region's `chat.deployment`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from app.deployment.topic import PARTITION, begin
from app.domain.deployment import Deployment
from app.domain.homes import order
from app.errors import Malformed
from app.events import AnyBeginning, EpochBegun, HomeLeft, HomeTaken, decode_beginning
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import DEPLOYMENT, of_region

log = structlog.get_logger()

#: Seconds for a region to answer at a start.
_SECONDS: Final = 2.0


def is_news(one: AnyBeginning, known: Deployment) -> bool:
    """Whether another region's record says something of epochs or homes that is not known here."""
    match one:
        case EpochBegun(home=""):
            return False
        case EpochBegun():
            return all(
                (other.partition, other.epoch) != (one.partition, one.epoch)
                for other in known.epochs
            )
        case HomeLeft() | HomeTaken():
            return order(one) > order(known.changes.get(one.partition))
        case _:
            return False


async def learn_of(
    settings: Settings, reader: PartitionReader, region: str, known: Deployment
) -> list[AnyBeginning]:
    """Take over what the mirror has brought of a region's epochs and homes; the new records."""
    found = await _news(reader, of_region(region, DEPLOYMENT), known)
    if found:
        await begin(settings, *found)
    return found


async def ask_others(settings: Settings, known: Deployment) -> Deployment:
    """The deployment after what the other regions say themselves, where they answer in time.

    A region that was away takes less into its tail if it knows at its start that another one has
    taken it over. The mirror brings the same a little later.
    """
    asked = (_ask(settings, region, known) for region in settings.other_regions)
    found = [one for news in await asyncio.gather(*asked) for one in news]
    return await begin(settings, *found) if found else known


async def _ask(settings: Settings, region: str, known: Deployment) -> list[AnyBeginning]:
    there = replace(settings, broker=settings.region_brokers[region])
    try:
        async with asyncio.timeout(_SECONDS), PartitionReader(there) as reader:
            return await _news(reader, DEPLOYMENT, known)
    except (KafkaError, OSError) as error:
        log.info("a region does not say anything", region=region, why=repr(error))
        return []


async def _news(reader: PartitionReader, topic: str, known: Deployment) -> list[AnyBeginning]:
    found: list[AnyBeginning] = []
    async for record in reader.read(topic, PARTITION, 0):
        try:
            one = decode_beginning(record.value)
        except Malformed:
            continue
        if is_news(one, known) and one not in found:
            found.append(one)
    return found
