"""A worker's health server names the store that a group waits for."""

from __future__ import annotations

from pathlib import Path

from app.embedded.ports import free_port
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.support.readyz import tells

WAITS = """
from pathlib import Path

from app.stream.consumer_groups import group, raw_topic
from app.stream.batch_loop import batches
from app.runtime.retry import retry_while_away
from app.topics import LOG

app = group("waits", strict=True)


async def store():
    if not Path("{store}").exists():
        raise ConnectionError("the store is away")


@app.agent(raw_topic(app, LOG))
async def waits(stream):
    async for batch in batches(stream):
        await retry_while_away("a store", store)
"""


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
        await until(lambda: tells(url, 503, groups=waiting), worker.tail)
        store.touch()
        await until(lambda: tells(url, 200, groups={"waits": "ok"}), worker.tail)
        assert worker.running
    finally:
        await worker.stop()
