"""How the regions stand, as this one sees them."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.deployment.log_reader import LogReader
from app.deployment.topic import read_deployment
from app.domain.homes import HomeChange
from app.errors import Unreachable
from app.events import HomeLeft
from app.kafka.admin import connected
from app.kafka.log_positions import last_position, offset_behind
from app.mirror.regions import settings_of
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import LOG

_SECONDS: Final = 5.0


class PartitionStatus(NamedTuple):
    """A partition: its home, its epoch, and the last `pos` that this region has.

    `on_its_way` is the region that is to take the home. `behind` are the events that the home has
    and this region lacks, `seconds` the age of the first of them; `None`: the home does not answer.
    """

    partition: int
    home: str
    on_its_way: str
    epoch: int
    pos: int
    behind: int | None
    seconds: float


class RegionStatus(NamedTuple):
    """All partitions, and why each region that does not answer doesn't."""

    partitions: list[PartitionStatus]
    unreachable: dict[str, str]


async def region_status(settings: Settings) -> RegionStatus:
    """How the regions stand. Raises `Unreachable` where this one's own Kafka does not answer."""
    async with connected(settings, _SECONDS):
        pass
    unreachable: dict[str, str] = {}
    ends: dict[str, dict[int, tuple[int, float]]] = {}
    async with LogReader(settings) as reader:
        deployment = await read_deployment(reader)
        own = [(await last_position(reader, p)).pos for p in range(settings.partitions)]
    homes = [deployment.home(partition, settings.region) for partition in range(len(own))]
    for region in settings.other_regions:
        try:
            ends[region] = await _ends(settings_of(settings, region), homes, region, own)
        except (Unreachable, OSError) as error:
            unreachable[region] = str(error)
    found = []
    for partition, pos in enumerate(own):
        home = homes[partition]
        there, seconds = ends.get(home, {}).get(partition, (None, 0.0))
        behind = 0 if home == settings.region else None
        if there is not None:
            behind = max(0, there - pos)
        change = deployment.changes.get(partition)
        epoch = deployment.epoch(partition)
        on_its_way = _on_its_way(change)
        found.append(PartitionStatus(partition, home, on_its_way, epoch, pos, behind, seconds))
    return RegionStatus(found, unreachable)


async def missing_events(settings: Settings, longer_than: float = 60.0) -> list[str]:
    """A line for each partition that lacks an event of its home for longer than so many seconds.

    A region that does not answer is no difference: nothing comes of it, as long as it is away.
    """
    if not settings.region:
        return []
    return [
        f"partition {one.partition}: {one.behind} events of {one.home} have not come here for"
        f" {one.seconds:.0f} s"
        for one in (await region_status(settings)).partitions
        if one.behind and one.seconds > longer_than
    ]


def _on_its_way(change: HomeChange | None) -> str:
    return change.to if isinstance(change, HomeLeft) else ""


async def _ends(
    there: Settings, homes: list[str], region: str, own: list[int]
) -> dict[int, tuple[int, float]]:
    """By partition at home in the region: its last `pos`, and since when this region lacks one."""
    found: dict[int, tuple[int, float]] = {}
    async with connected(there, _SECONDS):
        pass
    async with LogReader(there) as reader:
        for partition, home in enumerate(homes):
            if home != region:
                continue
            pos, seconds = (await last_position(reader, partition)).pos, 0.0
            if pos > own[partition]:
                offset = await offset_behind(reader, partition, own[partition])
                record = await reader.first(LOG, partition, offset)
                if record is not None:
                    seconds = max(0.0, (now_ms() - record.timestamp) / 1000)
            found[partition] = pos, seconds
    return found
