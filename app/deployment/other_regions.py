"""What the other regions say of epochs and homes, taken into this region's `chat.deployment`."""

from __future__ import annotations

from app.deployment.topic import PARTITION, begin
from app.domain.deployment import Deployment
from app.domain.homes import order
from app.errors import Malformed
from app.events import AnyBeginning, EpochBegun, HomeLeft, HomeTaken, decode_beginning
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import DEPLOYMENT, of_region


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
    found: list[AnyBeginning] = []
    async for record in reader.read(of_region(region, DEPLOYMENT), PARTITION, 0):
        try:
            one = decode_beginning(record.value)
        except Malformed:
            continue
        if is_news(one, known) and one not in found:
            found.append(one)
    if found:
        await begin(settings, *found)
    return found
