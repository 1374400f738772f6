"""A worker says how it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from app.embedded.ports import free_port
from tests.chat import Chat, until
from tests.person import Person

WAITS = """
from pathlib import Path

from app.groups import group, raw_topic
from app.loop import batches
from app.patience import patiently
from app.topics import LOG

app = group("waits", strict=True)


async def store():
    if not Path("{store}").exists():
        raise ConnectionError("the store is away")


@app.agent(raw_topic(app, LOG))
async def waits(stream):
    async for batch in batches(stream):
        await patiently("a store", store)
"""


async def ready(url: str) -> dict[str, Any]:
    """What `/readyz` answers, with its status; nothing while nobody listens there."""
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
            return {"status": answer.status, **await answer.json()}
    except aiohttp.ClientError:
        return {}


async def test_a_worker_says_which_group_waits_for_a_store_and_goes_on_with_it(
    chat: Chat, tmp_path: Path
) -> None:
    store, port = tmp_path / "store", free_port()
    (tmp_path / "waits.py").write_text(WAITS.replace("{store}", str(store)))
    worker = chat.start_worker(
        "waits", agents=str(tmp_path), only="waits", stall=5.0, health_port=port
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with Person(chat, "ann") as ann:
            await ann.open_room()
        waiting = {"waits": "waiting for a store"}
        await until(lambda: _tells(url, 503, waiting), worker.tail)
        store.touch()
        await until(lambda: _tells(url, 200, {"waits": "ok"}), worker.tail)
        assert worker.running
    finally:
        await worker.stop()


async def _tells(url: str, status: int, groups: dict[str, str]) -> bool:
    told = await ready(url)
    return (told.get("status"), told.get("groups")) == (status, groups)
