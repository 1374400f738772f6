"""The checker finds a Parley that loses or doubles messages, and says which."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from app.topics import RAW
from tests.faults.frail import Frail, at_work, kept_running
from tests.faults.load import Load
from tests.faults.scratch import scratch

pytestmark = [pytest.mark.faults, pytest.mark.slow]

#: Agents' files, which a worker loads. This one has a room forget what was sent before.
FORGETS = """
from msgspec.structs import replace
from agents import rooms

right = rooms.decide
rooms.decide = lambda state, moderated: right(replace(state, sent=None), moderated)
"""

#: Some numbers are given out and are in the tables, and what has them is not in the log.
DROPS = """
from itertools import count
from app.stream.batch import Batch
from app.topics import LOG

right, said = Batch.send, count(1)

def send(batch, topic, *arguments):
    if topic != LOG or next(said) % 20:
        right(batch, topic, *arguments)

Batch.send = send
"""


#: A copy of the sources in which no edge waits for a broker to have what it is sent.
LOWERED = {'acks="all"': "acks=0", "enable_idempotence=True": "enable_idempotence=False"}
#: Seconds: more than a send waits for its number.
FROZEN = 8.0


async def broken(frail: Frail, folder: Path, how: str) -> None:
    """Put a worker in the place of the first that works in a broken way."""
    (folder / "broken.py").write_text(how)
    frail.chat.workers[0].kill()
    await at_work(frail.chat.start_worker("w1", agents=str(folder)), times=2)


@pytest.mark.timeout(600)
async def test_a_room_that_forgets_what_was_sent_is_found_out(frail: Frail, tmp_path: Path) -> None:
    async with Load(frail.chat, patience=10) as load:
        await broken(frail, tmp_path, FORGETS)
        await load.steady(2)
        frail.chat.workers[-1].send(signal.SIGSTOP)
        await load.steady(2)
        frail.chat.workers[-1].send(signal.SIGCONT)
        await load.steady(2)
    assert [fault for fault in load.faults() if fault.startswith("doubled: Wish")]


@pytest.mark.timeout(600)
async def test_events_that_never_reach_the_log_are_missed(frail: Frail, tmp_path: Path) -> None:
    async with Load(frail.chat, patience=10) as load:
        await broken(frail, tmp_path, DROPS)
        await load.steady(4)
    assert [fault for fault in load.faults() if fault.startswith("lost: Wish")]


@pytest.mark.parametrize("lowered", [LOWERED, {}], ids=["acks-0", "acks-all"])
@pytest.mark.timeout(600)
async def test_sends_that_are_accepted_before_kafka_has_them_are_missed(
    frail: Frail, tmp_path: Path, lowered: dict[str, str]
) -> None:
    code = scratch(tmp_path / "scratch", lowered)
    await frail.chat.start_edge(code)
    frail.chat.edges.pop(0).kill()
    del frail.chat.urls[0]
    async with Load(frail.chat, patience=30) as load:
        await load.moment()
        frail.kafka.child.send(signal.SIGSTOP)  # what it is sent is on its way, and no further
        await asyncio.sleep(FROZEN)
        frail.kafka.kill()
        await frail.kafka.start()
        await load.steady(2)
    lost = [fault for fault in load.faults() if fault.startswith("lost: Wish")]
    assert bool(lost) == bool(lowered), load.faults()


@pytest.mark.timeout(600)
async def test_a_kafka_that_loses_what_it_acknowledged_is_found_out(frail: Frail) -> None:
    worker = frail.chat.workers[0]
    async with Load(frail.chat, patience=10) as load:
        await load.steady(2)
        worker.send(signal.SIGSTOP)
        before = sizes(frail)
        await load.steady(2)
        frail.kafka.kill()
        for segment, size in before.items():
            with segment.open("r+b") as file:
                file.truncate(size)
        await frail.kafka.start()
        worker.send(signal.SIGCONT)
        async with kept_running(worker):
            await load.steady(2)
    assert [fault for fault in load.faults() if fault.startswith("lost: Wish")]


def sizes(frail: Frail) -> dict[Path, int]:
    """How much is in each partition of `chat.raw`."""
    segments = (frail.kafka.folder / "data").glob(f"{RAW}-*/*.log")
    return {segment: segment.stat().st_size for segment in segments}
