"""Checking a group's commits when it gets partitions: do they still fit their topics?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import structlog
from aiokafka import TopicPartition
from faust.types import TP

from app.deployment.topic import begin, read_deployment
from app.domain.deployment import Deployment
from app.events import OriginBegun
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.commit_marks import divergences
from app.topics import LOG, RAW

log = structlog.get_logger()


class Beginnings(NamedTuple):
    """Where to read from, for partitions that are not what the commits were about.

    `origins` are those of their offsets; `lacking` has the first offset of those without a commit.
    """

    starts: Mapping[TP, int]
    origins: Mapping[tuple[str, int], int]
    lacking: Mapping[TP, int]


async def check_commits(
    settings: Settings, consumer: Any, places: Iterable[TP], *, from_now: bool = False
) -> Beginnings:
    """Compare the commits of a group's partitions with their topics.

    Where a topic is another than it was, an origin begins, so that a command is not taken for one
    that was decided at the same offset. A partition without a commit begins with its first record,
    or with `from_now` behind its last.
    """
    mine = {TopicPartition(*place): place for place in places}
    fetched = await consumer._coordinator.fetch_committed_offsets(list(mine))
    committed = {
        mine[place]: (known.offset, known.metadata)
        for place, known in fetched.items()
        if known.offset >= 0
    }
    async with PartitionReader(settings) as reader:
        deployment = await read_deployment(reader)
        starts: dict[TP, int] = {}
        begun: list[OriginBegun] = []
        for place, found in (await divergences(settings, committed)).items():
            log.error("a topic is another than it was", place=f"{place}", **found._asdict())
            starts[place] = found.start
            begun.append(_origin(deployment, place, found.start, found.why))
        lacking: dict[TP, int] = {}
        for place in mine.values():
            if place not in committed:
                lacking[place] = await (reader.end if from_now else reader.begin)(*place)
                if place.topic == RAW and await _has_log(reader, place):
                    why = "no commit of its group is left"
                    begun.append(_origin(deployment, place, lacking[place], why))
    if begun:
        deployment = await begin(settings, *begun)
    origins = {(place.topic, place.partition): deployment.origin(*place) for place in mine.values()}
    return Beginnings(starts, origins, lacking)


def _origin(deployment: Deployment, place: TP, start: int, why: str) -> OriginBegun:
    return OriginBegun(
        topic=place.topic,
        partition=place.partition,
        origin=deployment.origin(*place) + 1,
        start=start,
        at_ms=now_ms(),
        why=why,
    )


async def _has_log(reader: PartitionReader, place: TP) -> bool:
    """Whether events have followed from commands of the partition."""
    return await reader.end(LOG, place.partition) > 0
