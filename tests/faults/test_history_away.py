"""The history store may be away for long: the chat goes on, and the history catches up."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.faults.frail import Frail, Resumed, frail_chat
from tests.faults.load import FULL, Load
from tests.support.postgres import Postgres

pytestmark = [pytest.mark.faults, pytest.mark.long]

#: Seconds, one outage after the other.
AWAY = (60.0, 10.0)


@pytest.mark.timeout(600)
async def test_sqlite_is_locked_for_a_minute(frail: Frail) -> None:
    other = sqlite3.connect(frail.chat.settings.data / "history.db", isolation_level=None)
    async with Load(frail.chat, FULL) as load:
        for away in AWAY:
            await load.moment()
            other.execute("BEGIN IMMEDIATE")
            await frail.back(load, "SQLite is locked: sends go on")
            await asyncio.sleep(away)
            other.execute("COMMIT")
            await frail.back(load, f"SQLite was locked for {away:.0f} s", stored=True)
        await load.steady(4)
    other.close()
    await frail.unharmed(load)


@pytest.mark.timeout(600)
async def test_postgresql_is_stopped_for_a_minute(
    tmp_path: Path, resumed: Resumed, own_postgres: Postgres
) -> None:
    async with frail_chat(tmp_path, resumed, history=own_postgres.url) as frail:
        async with Load(frail.chat, FULL) as load:
            for away in AWAY:
                await load.moment()
                assert await own_postgres.child.stop(by=signal.SIGINT)
                await frail.back(load, "PostgreSQL is stopped: sends go on")
                await asyncio.sleep(away)
                own_postgres.start()
                what = f"PostgreSQL was stopped for {away:.0f} s"
                await frail.back(load, what, stored=True)
            await load.steady(4)
        await frail.unharmed(load)
