"""`/readyz` of edge and worker names the service that is away, also without any message."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from app.embedded.ports import free_port
from tests.faults.frail import Frail, Resumed, frail_chat
from tests.support.chat import until
from tests.support.person import Person
from tests.support.postgres import Postgres
from tests.support.readyz import readyz, tells

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(300)]

GROUPS = ("archive", "fan_out", "pace", "pipeline", "presence", "push", "receipts")
NOBODY_WAITS = dict.fromkeys(GROUPS, "ok")


async def test_each_part_that_is_away_is_told_of_while_nobody_writes(
    tmp_path: Path, resumed: Resumed, own_postgres: Postgres
) -> None:
    port = free_port()
    worker = f"http://127.0.0.1:{port}"
    own = {"history": own_postgres.url, "health_port": port}
    async with frail_chat(tmp_path, resumed, **own) as frail:
        edge = frail.chat.url
        async with Person(frail.chat, "ann") as ann:
            await ann.open_room("ben")
        await all_well(frail, worker)

        await own_postgres.child.stop(by=signal.SIGINT)
        waiting = NOBODY_WAITS | {"archive": "waiting for history"}
        await until(lambda: tells(worker, 503, groups=waiting))
        await until(lambda: tells(edge, 200, history="away"))  # an edge serves without it
        own_postgres.start()
        await all_well(frail, worker)

        frail.valkey.kill()
        await until(lambda: tells(edge, 503, ready=False, valkey="away", kafka="ok"))
        await until(lambda: waits(worker, "fan_out", "waiting for Valkey"))
        await frail.valkey.start()
        await all_well(frail, worker)

        frail.kafka.kill()
        await until(lambda: tells(edge, 503, ready=False, kafka="away", valkey="ok"))
        await until(lambda: tells(worker, 503, ready=False, kafka="away"))
        await frail.kafka.start()
        await all_well(frail, worker)


async def all_well(frail: Frail, worker: str) -> None:
    """Return when nobody misses anything."""
    edge, tail = frail.chat.url, frail.chat.workers[0].tail
    await until(lambda: tells(worker, 200, ready=True, kafka="ok", groups=NOBODY_WAITS), tail)
    await until(lambda: tells(edge, 200, ready=True, kafka="ok", valkey="ok", history="ok"))


async def waits(worker: str, group: str, state: str) -> bool:
    told = await readyz(worker)
    return (told["status"], told["groups"][group]) == (503, state)
