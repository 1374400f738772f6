from __future__ import annotations

import random
from itertools import count

import pytest
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.publisher import Publisher
from app.delivery.view import View
from tests.delivery.conftest import PARTITIONS, noted


async def view_of(redis: aioredis.Redis, people: dict[str, dict[str, int]]) -> View:
    """A view in which these people are in these rooms."""
    publisher = Publisher(redis, 100)
    for partition in range(PARTITIONS):
        assert await noted(publisher, partition, 0)
    for user, rooms in people.items():
        await redis.hset(keys.rooms_of(user), mapping=rooms)
    return View(redis, PARTITIONS)


@pytest.mark.parametrize("mine", [0, 1, 40, 200], ids=lambda mine: f"{mine} rooms")
async def test_the_rooms_in_common_are_the_same_however_they_are_looked_up(
    redis: aioredis.Redis, mine: int
) -> None:
    numbers = count(1)
    people = {
        f"user-{number}": {
            # Negative: the user has left.
            f"room-{room}": next(numbers) * random.choice((1, 1, -1))
            for room in random.sample(range(300), 30)
        }
        for number in range(60)
    }
    view = await view_of(redis, people)
    rooms = {f"room-{room}": 1 for room in random.sample(range(300), mine)}
    found = await view.common_rooms(rooms, [*people, "stranger"])
    for (user, there), common in zip([*people.items(), ("stranger", {})], found, strict=True):
        wanted = {room: n for room, n in there.items() if room in rooms and n > 0}
        assert {room: n for room, n in common.items() if room in rooms} == wanted, user
