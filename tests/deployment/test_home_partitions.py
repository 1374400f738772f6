"""A home is left, taken and taken over at the right position, and only there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaProducer

from app.deployment.followed import FollowedDeployment
from app.deployment.topic import begin
from app.domain.deployment import Deployment
from app.events import (
    POS,
    SRC,
    AnyBeginning,
    DeploymentMade,
    EpochBegun,
    HomeLeft,
    HomesGiven,
    HomeTaken,
    HomeWanted,
    encode,
)
from app.kafka.admin import provision
from app.kafka.record import Record
from app.settings import Settings
from app.stream.acks import DeferredAck
from app.stream.batch import Batch
from app.stream.home_partitions import HomePartitions
from app.stream.log_catch_up import LogCatchUp
from app.topics import LOG, MODERATED, RAW, TOPICS, mirrored_topics, of_region
from tests.history.room import entries

pytestmark = pytest.mark.timeout(120)

LOG_OF_EU = of_region("eu", LOG)


class Homes(NamedTuple):
    """The homes of the region `us`, and what it followed."""

    parts: HomePartitions
    log: LogCatchUp
    deployment: FollowedDeployment
    settings: Settings

    @property
    def now(self) -> Deployment:
        return self.deployment.now

    async def say(self, one: AnyBeginning) -> None:
        """Write a record of the deployment, and follow it."""
        before = self.now
        await begin(self.settings, one)
        await self.deployment.until(lambda now: now != before)

    async def mirrored(self, *positions: bytes) -> None:
        """Events of partition 1 that the mirror has brought from `eu`."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap)
        await producer.start()
        try:
            for entry, pos in zip(entries("r", len(positions)), positions, strict=False):
                headers = [(POS, pos), (SRC, b"3/7")]
                await producer.send_and_wait(
                    LOG_OF_EU, entry.raw, key=b"r", partition=1, headers=headers
                )
        finally:
            await producer.stop()

    async def settle(self, *records: Record) -> None:
        """A batch of partition 1 with these records."""
        found = records or (Record(MODERATED, 1, 0, b"r", b"", ()),)
        app = SimpleNamespace(consumer_generation_id=1)
        batch = Batch(app, None, DeferredAck(found[0], lambda: None))
        batch.records = found
        await self.parts.settle(batch)


@asynccontextmanager
async def homes_of(settings: Settings, *given: str) -> AsyncIterator[Homes]:
    regions = f"eu={settings.broker} us={settings.broker}"
    settings = replace(settings, region="us", regions=regions)
    await provision(settings, [*TOPICS, *mirrored_topics(["eu"])])
    made = DeploymentMade(id="d", at_ms=1)
    await begin(settings, made, HomesGiven(homes=given, at_ms=1))
    deployment = FollowedDeployment(settings)
    await deployment.start()
    log = LogCatchUp(settings, (), lambda _: None, lambda *_: None)
    log.epochs[1], log.ends[1] = 0, -1

    def follow(_: Batch, record: Record, region: str) -> None:
        assert region == "eu"
        log.ends[1] = int(dict(record.headers)[POS].split(b"/")[-1])

    try:
        yield Homes(HomePartitions(settings, deployment, log, follow), log, deployment, settings)
    finally:
        await deployment.stop()


def left(start: int) -> HomeLeft:
    return HomeLeft(partition=1, by="eu", to="us", epoch=0, term=1, start=start, origin=3, at_ms=1)


async def test_a_home_is_taken_when_every_event_of_before_is_here(settings: Settings) -> None:
    async with homes_of(settings, "eu", "eu") as homes:
        await homes.say(left(3))
        await homes.mirrored(b"0", b"1")
        await homes.settle()
        assert homes.log.ends[1] == 1
        assert homes.now.home(1, "us") == "eu"
        assert homes.parts.elsewhere(1) == "eu"
        assert homes.parts.is_due(1)
        await homes.mirrored(b"2")
        await homes.settle()
        taken = homes.now.changes[1]
        assert isinstance(taken, HomeTaken)
        assert (taken.by, taken.term, taken.start, taken.origin) == ("us", 2, 3, 4)
        assert homes.parts.elsewhere(1) == ""
        assert not homes.parts.is_due(1)


async def test_a_home_that_somebody_wants_elsewhere_is_left_behind_its_last_event(
    settings: Settings,
) -> None:
    async with homes_of(settings, "us", "us") as homes:
        homes.log.ends[1] = 41
        wish = HomeWanted(partition=1, to="eu", epoch=0, term=0, at_ms=1)
        await homes.say(wish)
        await homes.settle()
        change = homes.now.changes[1]
        assert isinstance(change, HomeLeft)
        assert (change.to, change.start, change.term) == ("eu", 42, 1)
        assert homes.parts.elsewhere(1) == "eu"
        # Said twice, it is left once.
        await begin(homes.settings, wish)
        await homes.settle()
        assert homes.now.changes[1] == change


async def test_a_lost_region_is_taken_over_behind_the_last_event_that_came_of_it(
    settings: Settings,
) -> None:
    async with homes_of(settings, "eu", "eu") as homes:
        await homes.mirrored(b"0", b"1", b"1", b"2")
        await homes.say(HomeWanted(partition=1, to="us", epoch=0, term=0, at_ms=1, lost="eu"))
        await homes.settle()
        [epoch] = homes.now.epochs
        assert (epoch.epoch, epoch.start, epoch.home, epoch.lost) == (1, 3, "us", "eu")
        assert homes.log.epochs[1] == 1
        assert homes.now.origin(RAW, 1) == epoch.origin > 0
        # What the mirror brings of it later is no part of the log.
        late = Record(LOG_OF_EU, 1, 9, b"r", b"", ((POS, b"3"),))
        assert not homes.parts.is_next(1, late)


async def test_an_event_of_an_epoch_waits_until_the_epoch_is_known(settings: Settings) -> None:
    async with homes_of(settings, "us", "us") as homes:
        homes.log.ends[1] = 2
        begun = EpochBegun(
            partition=1, epoch=16, start=3, at_ms=1, why="over", home="eu", lost="us", origin=9
        )
        producer = AIOKafkaProducer(bootstrap_servers=homes.settings.bootstrap)
        await producer.start()
        try:
            await producer.send_and_wait(
                of_region("eu", "chat.deployment"), encode(begun), key=b"deployment", partition=0
            )
        finally:
            await producer.stop()
        event = Record(LOG_OF_EU, 1, 0, b"r", b"", ((POS, b"16/3"),))
        homes.log.follow = nothing  # type: ignore[method-assign] - it has no tables here
        await homes.settle(event)
        assert homes.now.epochs == (begun,)
        assert homes.parts.elsewhere(1) == "eu"
        assert homes.parts.is_next(1, event)


async def nothing(_: Batch) -> None:
    pass


async def test_a_log_of_which_nothing_is_left_ends_before_its_first_event(
    settings: Settings,
) -> None:
    """All that the partition had was taken over without."""
    async with homes_of(settings, "us", "us") as homes:
        producer = AIOKafkaProducer(bootstrap_servers=homes.settings.bootstrap)
        await producer.start()
        try:
            for entry, pos in zip(entries("r", 2), (b"0", b"1"), strict=False):
                headers = [(POS, pos), (SRC, b"3")]
                await producer.send_and_wait(LOG, entry.raw, key=b"r", partition=1, headers=headers)
        finally:
            await producer.stop()
        begun = EpochBegun(
            partition=1, epoch=16, start=0, at_ms=1, why="over", home="eu", lost="us", origin=1
        )
        await homes.say(begun)
        app = SimpleNamespace(consumer_generation_id=1)
        record = Record(MODERATED, 1, 0, b"r", b"", ())
        await homes.log.follow(Batch(app, None, DeferredAck(record, lambda: None)))
        assert (homes.log.epochs[1], homes.log.ends[1]) == (16, -1)
        assert homes.parts.is_next(1, Record(LOG_OF_EU, 1, 0, b"r", b"", ((POS, b"16/0"),)))
