"""A store is cut by what the log has, also where no event follows, and after any crash."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial
from itertools import count

import pytest
from aiokafka import AIOKafkaProducer

from app.deployment.topic import begin
from app.embedded.kafka import Kafka
from app.events import AnyLogEvent, EpochBegun, Erasure, Position, encode_position
from app.history.entry import Entry
from app.history.epoch_cut import EpochCuts
from app.history.store import History
from app.kafka.admin import provision
from app.privacy.erasure_topic import read_erasures, write_erasure
from app.settings import Settings
from app.topics import LOG, TOPICS, partition_of
from tests.history.recount import as_now
from tests.history.story import entries_of, story
from tests.history.test_message_state import pages

pytestmark = pytest.mark.timeout(120)

DEEDS = ["say", "reply", "edit", "say", "react", "delete", "unreact", "react"]
ROOMS = 12
#: Partitions that no test has used.
unused = count()


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    """A broker whose log has a partition for each test."""
    async with Kafka(tmp_path_factory.mktemp("epochs")) as kafka:
        settings = Settings(broker=kafka.url, partitions=16)
        await provision(settings, TOPICS)
        yield settings


@pytest.fixture
def settings(broker: Settings) -> Settings:
    return broker


@pytest.fixture
def place() -> int:
    """A partition of the test's own."""
    return next(unused)


def rooms_of(settings: Settings, place: int) -> list[str]:
    """Names of rooms that are all on one partition."""
    names = (f"room {number}" for number in range(1000))
    found = [name for name in names if partition_of(name, settings.partitions) == place]
    return found[:ROOMS]


def deed() -> tuple[str, str, int]:
    return random.choice(DEEDS), random.choice(["ann", "ben"]), random.randrange(12)


def logs_of(settings: Settings, place: int) -> dict[str, list[AnyLogEvent]]:
    return {room: story(room, [deed() for _ in range(60)]) for room in rooms_of(settings, place)}


async def write(settings: Settings, entries: list[Entry]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    try:
        for one in entries:
            headers = [("pos", encode_position(Position(one.epoch, one.pos)))]
            await producer.send(
                LOG, one.raw, key=one.room.encode(), partition=one.partition, headers=headers
            )
        await producer.flush()
    finally:
        await producer.stop()


async def lost_end(settings: Settings, place: int, start: int) -> None:
    begun = EpochBegun(partition=place, epoch=1, start=start, at_ms=1, why="lost")
    await begin(settings, begun)


def placed(place: int, entries: list[Entry], first: int = 0, epoch: int = 0) -> list[Entry]:
    return [one.at(place, Position(epoch, first + i)) for i, one in enumerate(entries)]


async def test_a_cut_that_is_killed_again_and_again_is_complete_in_the_end(
    settings: Settings, place: int, history: History
) -> None:
    logs = logs_of(settings, place)
    kept = {room: log[: random.randint(0, len(log))] for room, log in logs.items()}
    await history.append(placed(place, [one for log in logs.values() for one in entries_of(log)]))
    left = [one for log in kept.values() for one in entries_of(log)]
    await write(settings, placed(place, left))
    await lost_end(settings, place, len(left))
    deaths = 0
    while True:
        # What a process knows of the store's state dies with it.
        cuts = EpochCuts(settings, history, partial(read_erasures, settings))
        task = asyncio.create_task(cuts.settle({place: 0}))
        done, _ = await asyncio.wait([task], timeout=random.uniform(0.05, 0.3 * (1 + deaths)))
        if done:
            await task
            break
        task.cancel()
        await asyncio.wait([task])
        deaths += 1
    assert await history.epochs() == {place: 1}
    assert await history.rooms() == sorted(room for room, log in kept.items() if log)
    for room, log in kept.items():
        assert await pages(history, room) == as_now(log)[-100:]
        state = await history.state(room)
        assert (state.n, state.gaps) == (len(log), ())


async def test_a_running_archive_hears_of_an_epoch_that_no_event_follows(
    settings: Settings, place: int, history: History
) -> None:
    room, *_ = rooms_of(settings, place)
    log = story(room, [("say", "ann", 0)] * 6)
    await history.append(placed(place, entries_of(log)))
    await write(settings, placed(place, entries_of(log[:4])))
    cuts = EpochCuts(settings, history, partial(read_erasures, settings))
    await cuts.start()
    await cuts.settle({place: 0})
    assert await history.newest_seq(room) == 6
    await lost_end(settings, place, 4)
    async with asyncio.timeout(30):
        while await history.newest_seq(room) != 4:
            await cuts.settle({place: 0})
            await asyncio.sleep(0.02)
    await cuts.stop()


async def test_what_an_older_archive_has_stored_of_the_epoch_is_put_right(
    settings: Settings, place: int, history: History
) -> None:
    """It knew of no epochs: it kept lost events under the numbers of new ones."""
    room, *_ = rooms_of(settings, place)
    lost = story(room, [("say", "ann", 0)] * 4 + [("edit", "ann", 0), ("say", "ben", 0)])
    new = story(room, [("say", "ann", 0)] * 4 + [("say", "ben", 2), ("edit", "ann", 1)] * 3)
    await history.append(placed(place, entries_of(lost)))
    await history.append(placed(place, entries_of(new[4:]), 4, 1))
    await write(settings, placed(place, entries_of(new[:4])))
    await write(settings, placed(place, entries_of(new[4:]), 4, 1))
    await lost_end(settings, place, 4)
    await EpochCuts(settings, history, partial(read_erasures, settings)).settle({place: 1})
    assert await pages(history, room) == as_now(new)
    assert (await history.standing(room, place)).upto == len(new)


async def test_an_erasure_of_before_the_epoch_reaches_no_later_word(
    settings: Settings, place: int, history: History
) -> None:
    room, *_ = rooms_of(settings, place)
    lost = story(room, [("say", "ann", 0)] * 6)
    new = story(room, [("say", "ann", 0)] * 8)
    ends = tuple(6 if one == place else 0 for one in range(settings.partitions))
    none = (0,) * settings.partitions
    await write_erasure(settings, Erasure(user="ann", until_ms=0, ends=ends, epochs=none))
    await history.forget("ann", until_ms=0, ends=ends)
    await history.append(placed(place, entries_of(lost)))
    await write(settings, placed(place, entries_of(new[:4])))
    await write(settings, placed(place, entries_of(new[4:]), 4, 1))
    await lost_end(settings, place, 4)
    await EpochCuts(settings, history, partial(read_erasures, settings)).settle({place: 1})
    deleted = [bool(one.get("deleted")) for one in await pages(history, room)]
    assert deleted == [True] * 4 + [False] * 4
