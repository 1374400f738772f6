"""Workers and edges of the last release give way to those of this code, and back, under load."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.local.supervisor import ROOT
from tests.faults.frail import Frail, Resumed, at_work, frail_chat
from tests.faults.load import Load, Strength
from tests.support.last_release import last_release

pytestmark = pytest.mark.faults

#: 50 sends a second, as a chat of some thousand people has.
BUSY = Strength(rate=50, rooms=12, readers=40)

#: Seconds for which no send may be refused: until the attempt that puts it into Kafka.
PATIENCE = 5.0

#: Seconds until it has its number: a rebalance, and tables that are read by other code. A busy
#: machine may take its time.
NUMBERED = 20.0


@pytest.fixture(params=["upgrade", "rollback"])
def codes(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Where the code is that gives way, and the code in its place."""
    release = last_release(tmp_path / "release")
    return (release, ROOT) if request.param == "upgrade" else (ROOT, release)


@pytest.fixture
async def installed(
    codes: tuple[Path, Path], tmp_path: Path, resumed: Resumed
) -> AsyncIterator[Frail]:
    """Two workers and two edges of the former code, with what it makes of Kafka and Valkey."""
    former, _ = codes
    async with frail_chat(tmp_path, resumed, code=former) as frail:
        await at_work(frail.chat.start_worker("w2", former))
        await frail.chat.start_edge(former)
        yield frail


async def replace_workers(frail: Frail, load: Load, code: Path) -> None:
    """One after the other, under its name, as a StatefulSet does."""
    for index, name in enumerate(("w1", "w2")):
        former = frail.chat.workers[index]
        assert await former.stop(30)
        times = former.log.read_text().count("ready")
        await at_work(frail.chat.start_worker(name, code), times + 1)
        await load.steady(3)


async def replace_edges(frail: Frail, load: Load, code: Path) -> None:
    """A new one first, then a former one less, as a Deployment does."""
    for _ in range(2):
        await frail.chat.start_edge(code)
        await load.steady(2)
        frail.chat.urls.pop(0)
        assert await frail.chat.edges.pop(0).stop(30)
        await load.steady(2)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_change_of_the_release_loses_nothing_and_refuses_no_send_for_long(
    installed: Frail, codes: tuple[Path, Path]
) -> None:
    _, code = codes
    async with Load(installed.chat, BUSY) as load:
        await load.steady(3)
        began = time.monotonic()
        await replace_workers(installed, load, code)
        await replace_edges(installed, load, code)
        refused, numbered = load.refused(since=began), load.slowest(since=began)
        # The readers' edges are gone. They went on at others, by their cursors.
        assert all(reader.connections > 1 for reader in load.followers.values())
    print(f"refused for {refused:.1f} s at most, numbered after {numbered:.1f} s at most")
    assert sum(reader.resets for reader in load.followers.values()) == 0
    await installed.unharmed(load)
    assert refused < PATIENCE
    assert numbered < NUMBERED
