"""The clusters of the other regions, as their own processes see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.errors import ParleyError, SettingError
from app.kafka.admin import connected, partition_counts
from app.settings import Settings
from app.topics import MIRRORED

_SECONDS: Final = 5.0


def require_regions(settings: Settings) -> None:
    """Raise `SettingError` where the deployment has one region alone."""
    if not settings.region:
        takes = "two regions or more, such as eu=kafka://a:9092 us=kafka://b:9092"
        raise SettingError("PARLEY_REGIONS", settings.regions, takes)


def settings_of(settings: Settings, region: str) -> Settings:
    """The settings with which a region's cluster is read from here."""
    return replace(settings, broker=settings.region_brokers[region])


async def mirrored_there(settings: Settings, region: str) -> list[str]:
    """The topics that are mirrored and that the region has, in the order of `MIRRORED`.

    Raises `Unreachable`, and `ParleyError` where a topic has another number of partitions there: a
    room would be looked up in the wrong partition, and MirrorMaker would add partitions here.
    """
    async with connected(settings_of(settings, region), _SECONDS) as admin:
        counts = await partition_counts(admin)
    found = [name for name in MIRRORED if name in counts]
    for name in found:
        if counts[name] != settings.partitions:
            raise ParleyError(
                f"the topic {name} has {counts[name]} partitions in the region {region} and"
                f" {settings.partitions} here, as PARLEY_PARTITIONS says: both need the same number"
            )
    return found
