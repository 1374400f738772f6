"""An unusable history store delays only the history, until an operator repairs it."""

from __future__ import annotations

import sqlite3

import aiohttp
import pytest

from app.embedded.ports import free_port
from tests.faults.frail import Frail
from tests.faults.load import Load
from tests.support.chat import until

pytestmark = pytest.mark.faults

_HEADER = 100


@pytest.mark.timeout(280)
async def test_a_damaged_history_holds_up_the_archive_alone(frail: Frail) -> None:
    chat, port = frail.chat, free_port()
    path = chat.settings.data / "history.db"
    async with Load(chat) as load:
        await load.steady(1)
        assert await chat.workers[0].stop(30)
        with sqlite3.connect(path) as store:
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()
        with path.open("r+b") as file:
            header = file.read(_HEADER)
            file.seek(0)
            file.write(b"\xff" * _HEADER)
        chat.start_worker("w1", health_port=port)
        chat.workers.pop(0)
        await frail.back(load, "the history is damaged: sends go on")
        await until(lambda: _tells(port, "waiting for history"), chat.workers[0].tail, within=60)
        assert "the history store can't be used" in chat.workers[0].log.read_text()
        await load.steady(1)
        with path.open("r+b") as file:
            file.write(header)
        await until(lambda: _tells(port, "ok"), chat.workers[0].tail, within=60)
        assert chat.workers[0].running
    await frail.unharmed(load)


async def _tells(port: int, archive: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{port}/readyz") as answer,
        ):
            told = await answer.json()
    except aiohttp.ClientError:
        return False
    return bool(told["groups"]["archive"] == archive)
