"""Commands with an event in the tail are decided; those behind them, and others, are not."""

from __future__ import annotations

from dataclasses import replace

from aiokafka import AIOKafkaProducer

from app.deployment.followed import FollowedDeployment
from app.deployment.lost_commands import LostCommands
from app.deployment.preparation import prepare
from app.deployment.topic import begin
from app.events import EpochBegun, OriginBegun, Source
from app.settings import Settings
from app.topics import LOG, RAW, TOPICS
from tests.history.room import entries

HERE = {"region": "eu", "regions": "eu=kafka://127.0.0.1:1 us=kafka://127.0.0.1:2"}


async def written(settings: Settings, *events: tuple[str, str, str]) -> None:
    """Events in partition 1: the headers `pos`, `src` and `home` of each."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    try:
        for entry, headers in zip(entries("r", len(events)), events, strict=False):
            named = zip(("pos", "src", "home"), headers, strict=True)
            known = [(name, value.encode()) for name, value in named if value]
            await producer.send_and_wait(LOG, entry.raw, partition=1, key=b"r", headers=known)
    finally:
        await producer.stop()


def over(home: str = "us", lost: str = "eu") -> EpochBegun:
    """An epoch of partition 1 that begins at 2."""
    return EpochBegun(
        partition=1, epoch=1, start=2, at_ms=1, why="over", home=home, lost=lost, origin=1
    )


async def known(settings: Settings) -> tuple[LostCommands, FollowedDeployment]:
    """What there is to know now; the caller stops the second."""
    deployment = FollowedDeployment(settings)
    await deployment.start()
    lost = LostCommands(settings, deployment)
    await lost.look_up([0, 1])
    return lost, deployment


async def test_up_to_the_last_event_that_this_region_wrote_beyond_the_start(
    settings: Settings,
) -> None:
    await prepare(settings, TOPICS)
    kept = [("0", "3", ""), ("1", "5", "")]
    tail = [("2", "6", ""), ("3", "8", "")]
    # The present home's own commands have offsets of another cluster.
    await written(settings, *kept, *tail, ("1/2", "1/90", "us"), ("1/3", "1/91", "us"))
    await begin(settings, over())
    here = replace(settings, **HERE)
    lost, deployment = await known(here)
    try:
        assert [lost.has(1, Source(0, at)) for at in (3, 8, 9)] == [True, True, False]
        assert not lost.has(1, Source(1, 3))
        assert not lost.has(0, Source(0, 3))
        assert [lost.has_offset(1, at) for at in (3, 8, 9)] == [True, True, False]
        await begin(
            settings, OriginBegun(topic=RAW, partition=1, origin=2, start=0, at_ms=1, why="anew")
        )
        await deployment.until(lambda now: bool(now.origins))
        # Other commands are at these offsets of a topic that began anew.
        assert not lost.has_offset(1, 3)
    finally:
        await deployment.stop()


async def test_a_log_of_one_region_that_lost_its_end_has_no_tail(settings: Settings) -> None:
    await prepare(settings, TOPICS)
    await written(settings, ("0", "3", ""), ("1", "5", ""), ("2", "6", ""), ("1/2", "7", ""))
    await begin(settings, over(home="", lost=""))
    lost, deployment = await known(settings)
    try:
        assert not lost.has(1, Source(0, 3))
        assert not lost.has_offset(1, 3)
    finally:
        await deployment.stop()
