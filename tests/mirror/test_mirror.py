"""MirrorMaker between the clusters of two regions."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer

from app.embedded.jars import MIRROR, have_jars
from app.embedded.kafka import Kafka
from app.embedded.ports import free_port
from app.errors import ParleyError
from app.events import HOME
from app.kafka.admin import connected, partition_counts, provision
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.mirror.mirror import Mirror
from app.mirror.mirror_lag import mirror_lag
from app.mirror.regions import mirrored_there
from app.settings import Settings
from app.topics import DEPLOYMENT, LOG, RULES, RULES_BYTES, TOPICS, mirrored_topics, of_region
from tests.conftest import missing
from tests.support.chat import until

THERE = of_region("eu", LOG)
_AT_MS = 1_700_000_000_000


class Region(NamedTuple):
    settings: Settings
    producer: AIOKafkaProducer

    async def read(self, topic: str, partition: int = 1) -> list[Any]:
        async with PartitionReader(self.settings) as reader:
            return [record async for record in reader.read(topic, partition, 0)]

    async def values(self, topic: str, partition: int = 1) -> list[bytes]:
        return [record.value for record in await self.read(topic, partition)]

    async def say(self, value: bytes, home: str = "", topic: str = LOG) -> None:
        headers = [("pos", b"7"), *([(HOME, home.encode())] if home else [])]
        await self.producer.send_and_wait(
            topic, value, b"room", partition=1, timestamp_ms=_AT_MS, headers=headers
        )


class Pair(NamedTuple):
    eu: Region
    us: Region


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    if not have_jars(MIRROR) and shutil.which("mvn") is None:
        missing("Maven, which fetches MirrorMaker (Debian: apt-get install maven)")
    folder = tmp_path_factory.mktemp("regions")
    async with Kafka(folder / "eu") as eu, Kafka(folder / "us") as us:
        regions = f"eu={eu.url} us={us.url}"
        both: list[Region] = []
        for name, broker in (("eu", eu), ("us", us)):
            settings = Settings(
                broker=broker.url, region=name, regions=regions, partitions=2, data=folder / name
            )
            await provision(settings, [*TOPICS, *mirrored_topics(settings.other_regions)])
            both.append(Region(settings, new_producer(settings)))
        async with both[0].producer, both[1].producer:
            yield Pair(*both)


@pytest.fixture(scope="module")
async def mirrors(pair: Pair) -> AsyncIterator[list[Mirror]]:
    """The mirrors of both regions."""
    both = [Mirror(region.settings, region.settings.data / "mirror") for region in pair]
    try:
        for mirror in both:
            await mirror.start()
        yield both
    finally:
        for mirror in both:
            mirror.kill()


async def behind(region: Region, other: str) -> int:
    return sum(one.records for one in await mirror_lag(region.settings, other))


async def test_records_arrive_as_they_are_and_none_goes_back(
    pair: Pair, mirrors: list[Mirror]
) -> None:
    await pair.eu.say(b"first")
    await pair.eu.say(b"of us, copied", home="us")
    await pair.eu.say(b"second")
    await pair.us.say(b"of us")
    large = b"x" * (RULES_BYTES - 1000)
    await pair.eu.say(large, topic=RULES)
    await until(lambda: _has(pair.us, THERE, b"second"), lambda: _logs(mirrors))
    await until(lambda: _has(pair.eu, of_region("us", LOG), b"of us"), lambda: _logs(mirrors))
    await until(lambda: _has(pair.us, of_region("eu", RULES), large), lambda: _logs(mirrors))
    first, second = await pair.us.read(THERE)
    assert (first.value, second.value) == (b"first", b"second")
    assert (first.key, first.timestamp) == (b"room", _AT_MS)
    assert first.headers == (("pos", b"7"),)
    assert await pair.us.values(THERE, partition=0) == []
    assert [mirror.failure() for mirror in mirrors] == ["", ""]
    for region in pair:
        async with connected(region.settings, within=5) as admin:
            topics = await partition_counts(admin)
        assert not [name for name in topics if name.startswith(("eu.us.", "us.eu."))]
        assert "eu.chat.raw" not in topics


async def test_a_mirror_that_was_killed_goes_on_and_its_lag_is_known(
    pair: Pair, mirrors: list[Mirror]
) -> None:
    await until(lambda: _level(pair.us, "eu"), lambda: _logs(mirrors))
    mirrors[1].kill()
    for number in range(20):
        await pair.eu.say(b"%d" % number)
    await pair.eu.say(b"copied again", home="us")
    assert await behind(pair.us, "eu") == 20
    [lag] = [one for one in await mirror_lag(pair.us.settings, "eu") if one.records]
    assert (lag.region, lag.topic, lag.partition, lag.exact) == ("eu", LOG, 1, True)
    assert lag.seconds > 1000
    await mirrors[1].start()
    await until(lambda: _level(pair.us, "eu"), lambda: _logs(mirrors))
    arrived = await pair.us.values(THERE)
    assert list(dict.fromkeys(arrived)) == [b"first", b"second", *(b"%d" % n for n in range(20))]


async def test_a_topic_with_other_partitions_there_is_refused(pair: Pair) -> None:
    other = replace(pair.us.settings, partitions=3)
    with pytest.raises(ParleyError, match=r"has 2 partitions in the region eu and\s+3 here"):
        await mirrored_there(other, "eu")
    assert DEPLOYMENT in await mirrored_there(pair.us.settings, "eu")


async def test_a_region_that_is_away_is_named(pair: Pair) -> None:
    nobody = f"kafka://127.0.0.1:{free_port()}"
    regions = f"eu={nobody} us={pair.us.settings.broker}"
    with pytest.raises(ParleyError, match=f"no Kafka broker answers at {nobody}"):
        await mirror_lag(replace(pair.us.settings, regions=regions), "eu")


async def _has(region: Region, topic: str, value: bytes) -> bool:
    return value in await region.values(topic)


async def _level(region: Region, other: str) -> bool:
    return await behind(region, other) == 0


def _logs(mirrors: list[Mirror]) -> str:
    said = ""
    for mirror in mirrors:
        with suppress(FileNotFoundError):
            said += f"{mirror.log}:\n{mirror.log.read_text()[-4000:]}\n"
    return said + mirrors[0].child.tail()
