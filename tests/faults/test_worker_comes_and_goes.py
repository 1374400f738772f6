"""A second worker may join, leave and crash while messages come."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.faults.frail import TIMES, Frail, at_work
from tests.faults.load import FULL, Load

pytestmark = pytest.mark.faults

#: Seconds until the others have a worker's partitions: at once where it says goodbye, else when
#: its session is over, which takes 15 s. The rest is for a busy machine.
HANDED_OVER = 12.0


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_second_worker_joins_leaves_and_is_killed(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, FULL) as load:
        for turn in range(TIMES):
            second = chat.start_worker("w2")
            await at_work(second, times=2 * turn + 1)
            await load.moment()

            left = time.monotonic()
            assert await second.stop(30)
            await load.steady(4)
            assert load.slowest(since=left) < HANDED_OVER

            second = chat.start_worker("w2")
            await at_work(second, times=2 * turn + 2)
            await load.moment()
            second.kill()
            await frail.back(load, "kill -9 of one of two workers")
        await load.steady(4)
    await frail.unharmed(load)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_third_worker_joins_and_leaves_again_and_again(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, FULL) as load:
        await frail.second_worker()
        for turn in range(1, TIMES + 2):
            await load.moment()
            third = chat.start_worker("w3")
            await at_work(third, times=turn)
            await frail.back(load, "a third worker has joined")
            await load.moment()
            if turn <= TIMES:
                assert await third.stop(30)
                await frail.back(load, "a third worker has left")
        third.kill()
        await frail.back(load, "kill -9 of one of three workers")
        await load.steady(4)
    await frail.unharmed(load)


#: An agent's file, which a worker loads. It makes wide what is narrow on a quick machine: the time
#: in which records come while the worker still seeks its partitions and agents still catch up.
SLOW = """
import asyncio
from faust.transport.consumer import Consumer
from app.kafka.partition_reader import PartitionReader

def slowly(function, seconds):
    async def slow(self):
        result = await function(self)
        await asyncio.sleep(seconds)
        return result
    return slow

Consumer.perform_seek = slowly(Consumer.perform_seek, 0.5)
PartitionReader.__aenter__ = slowly(PartitionReader.__aenter__, 1.0)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_what_comes_while_partitions_are_taken_over_is_not_lost(
    frail: Frail, tmp_path: Path
) -> None:
    chat = frail.chat
    (tmp_path / "slow.py").write_text(SLOW)
    async with Load(chat) as load:
        chat.workers[0].kill()
        first = chat.start_worker("w1", agents=str(tmp_path))
        await load.steady(4)
        await at_work(chat.start_worker("w2", agents=str(tmp_path)))
        await load.steady(4)
        await first.stop(30)
        await load.steady(4)
    assert load.faults() == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_workers_are_replaced_one_after_the_other(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, FULL) as load:
        await frail.second_worker()
        for index, name in enumerate(("w1", "w2")):
            await load.moment()
            assert await chat.workers[index].stop(30)
            await at_work(chat.start_worker(name), times=2)
            await frail.back(load, f"SIGTERM of worker {name}, and a new one in its place")
    await frail.unharmed(load)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_worker_that_sleeps_longer_than_its_session_does_no_harm_when_it_wakes(
    frail: Frail,
) -> None:
    chat = frail.chat
    async with Load(chat, FULL) as load:
        second = await frail.second_worker()
        for _ in range(TIMES):
            await load.moment()
            second.send(signal.SIGSTOP)
            await frail.back(load, "a worker fell asleep: the other has its partitions")
            await load.moment()
            second.send(signal.SIGCONT)
            await frail.back(load, "it woke up after its session")
        await load.steady(4)
        # The next owner of its partitions recovers what it may have written when it woke up.
        chat.workers[0].kill()
        chat.start_worker("w1")
        await frail.back(load, "kill -9 of the other")
    await frail.unharmed(load)
