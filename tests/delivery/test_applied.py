"""A Valkey that comes back other than it was is noticed, whatever its position says."""

from __future__ import annotations

from itertools import count

import pytest
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.applied import AppliedPositions, KnownPositions, Span
from app.delivery.presence import Presences
from app.delivery.presence import position_keys as presence_keys
from app.delivery.read_marks import ReadMarks, position_keys
from app.domain.presence import Presence
from app.topics import partition_of
from tests.delivery.conftest import PARTITIONS

ROOM = "r"
PLACE = partition_of(ROOM, PARTITIONS)


@pytest.fixture
def applied(redis: aioredis.Redis) -> AppliedPositions:
    return AppliedPositions(redis, position_keys)


@pytest.fixture
def reads(redis: aioredis.Redis) -> ReadMarks:
    return ReadMarks(redis, PARTITIONS, partial=True)


async def filled(applied: AppliedPositions, position: int) -> None:
    token = await applied.begin_filling(PLACE, position)
    assert await applied.note_filled(PLACE, Span(position, position), token)


async def test_the_position_moves_with_the_marks(
    applied: AppliedPositions, reads: ReadMarks
) -> None:
    await filled(applied, -1)
    await reads.advance({ROOM: {"ann": 3}}, {PLACE: (Span(-1, 4), 4)})
    assert await applied.look(PLACE, Span(4, 4)) == (True, 4)
    assert await reads.marks(ROOM) == {"ann": 3}


@pytest.mark.parametrize("other", [3, 7, None])
async def test_a_position_that_nobody_wrote_is_a_loss(
    redis: aioredis.Redis, applied: AppliedPositions, reads: ReadMarks, other: int | None
) -> None:
    """Rolled back, or exchanged for another, or of a release without positions."""
    await filled(applied, 4)
    if other is None:
        await redis.delete(keys.receipts_position(PLACE))
    else:
        await redis.set(keys.receipts_position(PLACE), other)
    assert not (await applied.look(PLACE, Span(4, 4))).complete
    assert not await redis.exists(keys.receipts(PLACE))  # edges read no marks meanwhile


@pytest.mark.parametrize("other", [3, 7])
async def test_a_batch_notices_a_loss_and_its_marks_are_there(
    redis: aioredis.Redis, applied: AppliedPositions, reads: ReadMarks, other: int
) -> None:
    await filled(applied, 4)
    await redis.set(keys.receipts_position(PLACE), other)
    await reads.advance({ROOM: {"ann": 3}}, {PLACE: (Span(4, 5), 5)})
    assert await applied.look(PLACE, Span(5, 5)) == (False, 5)
    assert await reads.marks(ROOM) == {"ann": 3}


async def test_a_batch_that_came_twice_is_no_loss(
    applied: AppliedPositions, reads: ReadMarks
) -> None:
    """The reply to the first call was lost."""
    await filled(applied, 4)
    for _ in range(2):
        await reads.advance({ROOM: {"ann": 3}}, {PLACE: (Span(4, 5), 5)})
    assert await applied.look(PLACE, Span(5, 5)) == (True, 5)


async def test_a_loss_in_the_middle_of_a_refill_is_refilled_once_more(
    redis: aioredis.Redis, applied: AppliedPositions, reads: ReadMarks
) -> None:
    token = await applied.begin_filling(PLACE, 4)
    await redis.set(keys.receipts_position(PLACE), 2)
    await reads.advance({ROOM: {"ann": 3}}, {PLACE: (Span(4, 5), 5)})
    assert not await applied.note_filled(PLACE, Span(5, 5), token)
    assert not (await applied.look(PLACE, Span(5, 5))).complete


async def test_a_refill_goes_on_while_batches_come(
    applied: AppliedPositions, reads: ReadMarks
) -> None:
    token = await applied.begin_filling(PLACE, 4)
    await reads.advance({ROOM: {"ann": 3}}, {PLACE: (Span(4, 5), 5)})
    assert await applied.note_filled(PLACE, Span(5, 5), token)
    assert (await applied.look(PLACE, Span(5, 5))).complete


async def test_the_keys_of_a_position_are_on_the_node_of_its_partition() -> None:
    for name in (*position_keys(3), *presence_keys(3)):
        assert name.startswith("{p3}:")


async def test_what_is_known_ends_with_the_generation() -> None:
    numbers = count(10)

    async def bounds(_: int) -> tuple[int, int]:
        return 6, 1 + next(numbers)

    known = KnownPositions(bounds)
    known.begin(1)
    assert await known.span(0) == (5, 10)
    known.note(0, 7)
    assert await known.span(0) == (7, 7)
    assert await known.span(0, upto=9) == (7, 9)
    known.begin(2)
    assert await known.span(0) == (5, 11)


async def test_a_refill_that_began_in_another_run_of_the_server_does_not_count(
    redis: aioredis.Redis, applied: AppliedPositions
) -> None:
    """It may have come back with the token, and without a part of the refill."""
    token = await applied.begin_filling(PLACE, 4)
    other = "0" * 40 + token[40:]
    await redis.set(keys.receipts_filling(PLACE), other)
    assert not await applied.note_filled(PLACE, Span(4, 4), other)
    assert not (await applied.look(PLACE, Span(4, 4))).complete
    await redis.set(keys.receipts_filling(PLACE), token)
    assert await applied.note_filled(PLACE, Span(4, 4), token)


ANN = partition_of("ann", PARTITIONS)


@pytest.fixture
def presences(redis: aioredis.Redis) -> Presences:
    return Presences(redis, PARTITIONS)


async def presence(presences: Presences) -> Presence:
    return (await presences.of(["ann"]))["ann"][0]


async def test_an_older_presence_never_replaces_a_newer_one(presences: Presences) -> None:
    newer, older = Presence({"b": "e"}, 2, version=9), Presence({"a": "e"}, 1, version=8)
    for position, one in ((9, newer), (9, older), (9, newer)):
        await presences.apply(ANN, {"ann": one}, Span(-1, 9), position)
        assert await presence(presences) == newer
    await presences.restore(ANN, {"ann": older}, force=False)
    assert await presence(presences) == newer


async def test_a_presence_of_another_past_is_replaced(presences: Presences) -> None:
    await presences.apply(ANN, {"ann": Presence({"b": "e"}, 2, version=9)}, Span(-1, 9), 9)
    await presences.restore(ANN, {"ann": Presence(version=3)}, force=True)
    assert await presence(presences) == Presence(version=3)


async def test_the_position_moves_with_the_presence(
    redis: aioredis.Redis, presences: Presences
) -> None:
    """Each is written in one step: a rollback takes back both."""
    applied = AppliedPositions(redis, presence_keys)
    token = await applied.begin_filling(ANN, 4)
    assert await applied.note_filled(ANN, Span(4, 4), token)
    one = Presence({"a": "e"}, 1, version=5)
    await presences.apply(ANN, {"ann": one}, Span(4, 5), 5)
    assert await applied.look(ANN, Span(5, 5)) == (True, 5)
    await redis.set(keys.presences_position(ANN), 4)
    await presences.apply(ANN, {"ann": one}, Span(5, 6), 6)
    assert await applied.look(ANN, Span(6, 6)) == (False, 6)


async def test_a_presence_of_the_release_before_is_removed(
    redis: aioredis.Redis, presences: Presences
) -> None:
    await redis.set(keys.former_presence("ann"), '{"open":{"a":"e"},"last_ms":1}')
    await presences.restore(ANN, {"ann": Presence({"b": "e"}, 2, version=0)}, force=False)
    assert (await presence(presences)).open == {"b": "e"}
    assert not await redis.exists(keys.former_presence("ann"))
