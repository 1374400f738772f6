"""A real Prometheus scrapes the shared chat, with the rules and the dashboard of `deploy/`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from app.embedded.ports import free_port
from app.operations.verify_follow import Follower
from tests.metrics.files import queries
from tests.metrics.prometheus import prometheus
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person

#: An agent that waits for a history store, and can't process what is said in one room.
TROUBLE = """
from pathlib import Path

from app.runtime.retry import retry_while_away
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import Group
from app.topics import LOG

app = group(Group("trouble", strict=True, from_now=True))


async def store():
    if not Path("{store}").exists():
        raise ConnectionError("the store is away")


@app.agent(raw_topic(app, LOG))
async def trouble(stream):
    async for batch in batches(stream):
        await retry_while_away("history", store)
        for record in batch.records:
            if record.key == b"{room}":
                batch.dead_letter(record, "trouble")
"""


@pytest.mark.timeout(120)
async def test_no_panel_of_the_dashboard_is_empty_after_some_chat(
    chat: Chat, tmp_path: Path
) -> None:
    port = free_port()
    async with (
        prometheus(tmp_path, *chat.metrics, f"127.0.0.1:{port}") as watching,
        Person(chat, "ann") as ann,
        Listener(chat, "ann"),
    ):
        room = await ann.open_room()
        settings = replace(chat.settings, prometheus_port=port)
        following = asyncio.create_task(Follower(settings, lambda *_: None, room).run())
        empty = set(queries())

        async def all_shown() -> bool:
            await ann.say(room, "hello")
            for title in sorted(empty):
                if all([await watching.samples(query) for query in queries()[title]]):
                    empty.discard(title)
            return not empty

        await until(all_shown, lambda: f"{sorted(empty)}\n{watching.child.tail()}", within=60)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.mark.timeout(120)
async def test_alerts_fire_for_a_store_that_is_away_a_dead_letter_lag_and_a_killed_worker(
    chat: Chat, tmp_path: Path
) -> None:
    room, store, port = f"r-{uuid4().hex[:12]}", tmp_path / "store", free_port()
    (tmp_path / "agents").mkdir()
    trouble = TROUBLE.replace("{store}", str(store)).replace("{room}", room)
    (tmp_path / "agents" / "trouble.py").write_text(trouble)
    worker = chat.start_worker(
        "troubled", agents=str(tmp_path / "agents"), only="trouble", prometheus_port=port
    )
    try:
        async with (
            prometheus(tmp_path, f"127.0.0.1:{port}", chat.metrics[1]) as watching,
            Person(chat, "ann") as ann,
        ):
            ready = partial(watching.samples, 'parley_group_state{state="ok"} == 1')
            await until(ready, worker.tail, within=60)
            await watching.quiet()
            await ann.open_room(room=room)
            await watching.fires("ParleyHistoryAway", "ParleyLag")
            store.touch()
            await watching.fires("ParleyDeadLetters")
            worker.kill()
            await watching.fires("ParleyTargetDown", "ParleyGroupDown")
    finally:
        await worker.stop()
