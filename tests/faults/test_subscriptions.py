"""Subscriptions through everything: each event at least once, and rooms in their order."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from app.kafka.partition_reader import PartitionReader
from app.subscriptions.source_events import source_event
from app.topics import LOG
from tests.end_to_end.test_subscriptions import subscribe, subscriptions
from tests.faults.frail import Frail, kept_running
from tests.faults.load import Load
from tests.support.chat import until
from tests.support.receiver import Receiver

pytestmark = [pytest.mark.faults, pytest.mark.slow]

#: Seconds for which the receiver is away.
AWAY = 8.0


async def in_the_log(frail: Frail) -> dict[str, list[str]]:
    """The ids of all events, by room, in the order of the log."""
    settings, found = frail.chat.settings, dict[str, list[str]]()
    async with PartitionReader(settings) as reader:
        for partition in range(settings.partitions):
            async for record in reader.read(LOG, partition, 0):
                event = source_event(record, 0)
                if event.kind:
                    found.setdefault(event.room, []).append(event.id)
    return found


def by_room(receiver: Receiver) -> dict[str, list[str]]:
    """The ids of the events that a receiver took, by room, each once."""
    found: dict[str, dict[str, None]] = {}
    for event in receiver.taken:
        found.setdefault(event["data"]["room"], {})[event["id"]] = None
    return {room: list(ids) for room, ids in found.items()}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("batch", [1, 50])
async def test_no_event_is_lost_or_out_of_order_though_all_parts_are_killed(
    frail: Frail, batch: int
) -> None:
    async def answers(_: dict[str, Any]) -> int:
        return 503 if random.random() < 0.05 / batch else 200

    async with Receiver(answers) as receiver:
        name = await subscribe(frail.chat, receiver, "--batch", str(batch), "--from-start")
        async with kept_running(*frail.chat.workers), Load(frail.chat) as load:
            await load.steady(4)
            for _ in range(3):
                frail.chat.workers[0].kill()
                await load.moment()
            await frail.back(load, "kill -9 of the worker with deliveries")
            await receiver.stop()
            await asyncio.sleep(AWAY)
            await receiver.start()
            frail.kafka.kill()
            await frail.kafka.start()
            await frail.back(load, "kill -9 of the broker with deliveries")
            frail.valkey.kill()
            await frail.valkey.start()
            await load.steady(4)
        expected = await in_the_log(frail)

        async def whole() -> bool:
            taken = by_room(receiver)
            return all(len(taken.get(room, ())) >= len(ids) for room, ids in expected.items())

        await until(whole, frail.chat.workers[0].tail, 120)
        assert by_room(receiver) == expected
        assert receiver.forged == 0

        async def follows() -> bool:
            return "follows" in await subscriptions(frail.chat, "show", name)

        await until(follows, frail.chat.workers[0].tail, 30)  # the workers look every few seconds
    await frail.unharmed(load)
