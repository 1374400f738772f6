"""The deployment's own topic, on a Kafka of the test's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from app.deployment.log_reader import LogReader
from app.deployment.preparation import ensure_derived_keys, prepare
from app.deployment.topic import begin, read_deployment
from app.errors import ParleyError
from app.events import DeploymentMade, EpochBegun, HomesGiven
from app.kafka.admin import cluster_id, connected, partition_counts, provision
from app.kafka.log_positions import last_position, offset_behind, pos_of
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import LOG, TOPICS
from tests.history.room import entries
from tests.support.chat import until

pytestmark = pytest.mark.timeout(120)


async def write(settings: Settings, partition: int, positions: list[bytes | None]) -> None:
    """Events, each with this header `pos`; `None`: without one."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    try:
        for entry, pos in zip(entries("r", len(positions)), positions, strict=False):
            headers = [] if pos is None else [("pos", pos)]
            await producer.send_and_wait(
                LOG, entry.raw, key=b"r", partition=partition, headers=headers
            )
    finally:
        await producer.stop()


async def test_a_new_deployment_gets_an_id_of_its_own_and_keeps_it(settings: Settings) -> None:
    made = await prepare(settings, TOPICS)
    assert made.id not in ("", await cluster_id(settings))
    assert await prepare(settings, TOPICS) == made


async def test_a_deployment_from_before_keeps_the_identity_of_its_cursors(
    settings: Settings,
) -> None:
    await provision(settings, [topic for topic in TOPICS if topic.name == LOG])
    await write(settings, 1, [None])
    assert (await prepare(settings, TOPICS)).id == await cluster_id(settings)


async def test_a_new_deployment_derives_its_keys_from_the_beginning(settings: Settings) -> None:
    made = await prepare(settings, TOPICS)
    assert made.derives_keys(now_ms())
    assert await ensure_derived_keys(settings, made) == made


async def test_a_deployment_from_before_derives_its_keys_a_day_after_the_first_edge_that_can(
    settings: Settings,
) -> None:
    await provision(settings, [topic for topic in TOPICS if topic.name == LOG])
    await write(settings, 1, [None])
    # A worker's start does not begin the day: edges may be older for long.
    known = await prepare(settings, TOPICS)
    assert known.keys_from_ms is None
    before = now_ms()
    first = await ensure_derived_keys(settings, known)
    assert not first.derives_keys(now_ms())
    assert first.keys_from_ms is not None
    day = 24 * 60 * 60 * 1000
    assert before + day <= first.keys_from_ms <= now_ms() + day
    assert first.derives_keys(now_ms() + day)
    # The second edge's is the same.
    assert await ensure_derived_keys(settings, known) == first
    assert await ensure_derived_keys(settings, await prepare(settings, TOPICS)) == first


async def test_what_two_processes_begin_at_the_same_time_counts_once(settings: Settings) -> None:
    made = await prepare(settings, TOPICS)
    epoch = EpochBegun(partition=1, epoch=1, start=7, at_ms=1, why="lost")
    await begin(settings, DeploymentMade(id="other", at_ms=1), epoch)
    known = await begin(settings, epoch)
    assert known.id == made.id
    assert known.epochs == (epoch,)


async def test_a_missing_log_is_refused_where_there_was_one(settings: Settings) -> None:
    await prepare(settings, TOPICS)
    async with connected(settings, 30) as admin:
        await admin.delete_topics([LOG])

        async def is_gone() -> bool:
            return LOG not in await partition_counts(admin)

        await until(is_gone)
    with pytest.raises(ParleyError, match=r"the topic chat\.log is missing"):
        await prepare(settings, TOPICS)
    async with connected(settings, 30) as admin:
        assert LOG not in await partition_counts(admin)


async def test_the_record_behind_a_position_is_found_whatever_was_doubled_or_cut(
    settings: Settings,
) -> None:
    await prepare(settings, TOPICS)
    # Without positions, then with: one doubled, three cut off, a new epoch.
    headers = [None, None, b"2", b"3", b"2", b"3", b"4", b"8", b"1/9", b"1/10"]
    await write(settings, 1, headers)
    seen = [0, 1, 2, 3, 2, 3, 4, 8, 9, 10]
    async with PartitionReader(settings) as reader:
        assert await last_position(reader, 0) == (0, -1)
        assert await last_position(reader, 1) == (1, 10)
        for pos in range(-1, 12):
            offset = await offset_behind(reader, 1, pos)
            assert all(one <= pos for one in seen[:offset]), pos
            assert not {one for one in seen if one > pos} - set(seen[offset:]), pos
        assert (await read_deployment(reader)).epochs == ()


REGIONS = {"region": "eu", "regions": "eu=kafka://127.0.0.1:1 us=kafka://127.0.0.1:2"}


def over(start: int) -> EpochBegun:
    """An epoch by which another region took partition 1 over."""
    return EpochBegun(
        partition=1, epoch=1, start=start, at_ms=1, why="over", home="us", lost="eu", origin=1
    )


async def test_events_that_another_region_went_on_without_are_left_out(settings: Settings) -> None:
    await prepare(settings, TOPICS)
    await write(settings, 1, [b"0", b"1", b"2", b"3", b"4", b"1/3", b"1/4", b"5", b"1/5"])
    await begin(settings, over(3))
    async with LogReader(replace(settings, **REGIONS)) as reader:
        found = [dict(one.headers)["pos"] async for one in reader.read(LOG, 1, 0)]
        assert found == [b"0", b"1", b"2", b"1/3", b"1/4", b"1/5"]
        assert await last_position(reader, 1) == (1, 5)
        for pos in range(-1, 5):
            record = await reader.first(LOG, 1, await offset_behind(reader, 1, pos))
            assert record is not None
            assert pos_of(record) == pos + 1
        assert await offset_behind(reader, 1, 5) == 9
    async with PartitionReader(settings) as reader:
        assert len([one async for one in reader.read(LOG, 1, 0)]) == 9


async def test_a_kept_reader_hears_of_an_epoch_and_a_fixed_one_does_not(
    settings: Settings,
) -> None:
    await prepare(settings, TOPICS)
    await write(settings, 1, [b"0", b"1", b"2"])
    there = replace(settings, **REGIONS)
    async with LogReader(there) as kept, LogReader(there) as fixed:
        known = await fixed.fixed_deployment()
        await begin(settings, over(1))

        async def heard() -> bool:
            return (await last_position(kept, 1)).pos == 0

        await until(heard, within=10)
        assert (await last_position(fixed, 1)).pos == 2
        assert known.epochs == ()


async def test_a_region_that_homes_are_in_has_to_keep_its_name(settings: Settings) -> None:
    await provision(settings, TOPICS)
    made = DeploymentMade(id="d", at_ms=1)
    await begin(settings, made, HomesGiven(homes=("eu", "mars"), at_ms=1))
    with pytest.raises(ParleyError, match="at home in mars, which PARLEY_REGIONS does not name"):
        await prepare(replace(settings, **REGIONS), TOPICS)


async def test_a_region_starts_though_the_others_do_not_answer(settings: Settings) -> None:
    await provision(settings, TOPICS)
    made = DeploymentMade(id="d", at_ms=1)
    await begin(settings, made, HomesGiven(homes=("eu", "us"), at_ms=1))
    known = await prepare(replace(settings, **REGIONS), TOPICS)
    assert [known.home(partition) for partition in range(2)] == ["eu", "us"]


async def test_regions_keep_their_order_and_new_ones_come_behind_them(settings: Settings) -> None:
    await provision(settings, TOPICS)
    made = DeploymentMade(id="d", at_ms=1)
    given = HomesGiven(homes=("eu", "us"), regions=("eu", "us"), at_ms=1)
    await begin(settings, made, given)
    here = replace(settings, **REGIONS)
    away = here.region_brokers["us"]
    for other in (f"us={away} eu={here.broker}", f"ap={away} eu={here.broker} us={away}"):
        with pytest.raises(ParleyError, match="begins with eu, us in this deployment, in this"):
            await prepare(replace(here, regions=other), TOPICS)
    await prepare(replace(here, regions=f"{here.regions} ap={away}"), TOPICS)
