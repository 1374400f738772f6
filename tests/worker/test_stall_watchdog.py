"""A worker without progress ends, whatever the cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.stream.fail_stop import EXIT_FAIL_STOP
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.support.readyz import tells

STUCK = """
import asyncio

from app.stream.consumer_groups import group, raw_topic
from app.stream.batch_loop import batches
from app.topics import LOG

app = group("stuck", strict=True)


@app.agent(raw_topic(app, LOG))
async def stuck(stream):
    async for batch in batches(stream):
        await asyncio.Event().wait()
"""

#: A group that does nothing. Each worker has one of its own.
IDLE = """
import asyncio
import time

import app.worker.stall_watchdog
from aiokafka.consumer.group_coordinator import GroupCoordinator

from app.stream.consumer_groups import group, raw_topic
from app.stream.batch_loop import batches
from app.stream.table_recovery import Recovery, TableManager
from app.stream.table import Table
from app.topics import LOG

idle = group("NAME", strict=True)
table = Table(idle, "table", int)


@idle.agent(raw_topic(idle, LOG))
async def do_nothing(stream):
    async for batch in batches(stream, (table,)):
        pass
"""

#: It comes to a certain point of its start, and no further.
HANGS = (
    IDLE
    + """
async def hang(*_, **__):
    await asyncio.Event().wait()


WHAT = hang
Recovery.need_recovery = lambda _: True  # else Faust finds after 5 s that it is done with that
"""
)

#: Its tables are long.
READS = (
    IDLE
    + """
from app.runtime.heartbeat import heartbeat_of


async def read(*_, **__):
    began = time.monotonic()
    while True:
        await asyncio.sleep(0.1)
        heartbeat_of("parley-NAME").beat()
        print(f"it still reads after {time.monotonic() - began:.0f} s", flush=True)


Recovery._seek_offsets = read
Recovery.need_recovery = lambda _: True
"""
)

BLOCKS = (
    IDLE
    + """
@idle.timer(interval=0.1)
async def block():
    time.sleep(3600)
"""
)

#: The watch over the groups fails itself.
MISTAKEN = (
    IDLE
    + """
async def observe(_):
    raise KeyError("a mistake")


app.worker.stall_watchdog._observe = observe
"""
)


#: By the name of the worker and its group, its agents' file and what it says at its end.
STANDING = {
    "stuck": (STUCK, "group=stuck seconds="),
    "joins": (HANGS.replace("WHAT", "GroupCoordinator.ensure_active_group"), "state=joining"),
    "shares": (HANGS.replace("WHAT", "TableManager.on_rebalance"), "state=rebalancing"),
    "recovers": (HANGS.replace("WHAT", "Recovery._seek_offsets"), "state=recovering"),
    "blocks": (BLOCKS, "time.sleep(3600)"),
    "errs": (MISTAKEN, "KeyError: 'a mistake'"),
}
STALL = 8.0


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Where each says how it is."""
    return {name: free_port() for name in (*STANDING, "reads")}


@pytest.fixture(scope="module")
async def workers(
    shared_chat: Chat, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Child]]:
    """All at once, because each takes a while to be given up."""
    started: dict[str, Child] = {}
    for name, how in [*((name, how) for name, (how, _) in STANDING.items()), ("reads", READS)]:
        folder = tmp_path_factory.mktemp(name)
        (folder / "idle.py").write_text(how.replace("NAME", name))
        own = {"agents": str(folder), "only": name, "health_port": ports[name]}
        started[name] = shared_chat.start_worker(name, stall=STALL, **own)
    async with Person(shared_chat, "ann") as ann:
        await ann.open_room()  # something to do
    yield started
    await asyncio.gather(*(worker.stop() for worker in started.values()))


@pytest.mark.parametrize(("name", "state"), [("shares", "rebalancing"), ("reads", "recovering")])
async def test_a_worker_whose_tables_do_not_stand_yet_is_not_ready(
    workers: dict[str, Child], ports: dict[str, int], name: str, state: str
) -> None:
    url = f"http://127.0.0.1:{ports[name]}"
    await until(lambda: tells(url, 503, groups={name: state}), workers[name].tail, within=60)


@pytest.mark.parametrize("name", STANDING)
async def test_a_worker_that_does_not_get_on_ends_and_says_where(
    workers: dict[str, Child], name: str
) -> None:
    worker, (_, said) = workers[name], STANDING[name]
    await until(lambda: _ended(worker), worker.tail, within=60)
    assert worker.exit_code == EXIT_FAIL_STOP
    told = worker.log.read_text()
    assert "the process ends" in told
    assert said in told


async def test_a_worker_that_reads_on_is_let_be_and_stops_in_order(
    workers: dict[str, Child],
) -> None:
    worker = workers["reads"]
    await until(lambda: _said(worker, f"it still reads after {1.5 * STALL:.0f} s"), worker.tail)
    assert await worker.stop(15)
    assert worker.exit_code == 0, worker.tail()
    assert "ready" not in worker.log.read_text()


async def _said(worker: Child, what: str) -> bool:
    return what in worker.log.read_text()


async def _ended(worker: Child) -> bool:
    return not worker.running
