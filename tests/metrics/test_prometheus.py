"""A real Prometheus scrapes the shared chat, with the rules and the dashboard of `deploy/`."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import yaml

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.settings import inherited
from tests.conftest import missing
from tests.metrics.files import PROMETHEUS, queries
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


class Prometheus:
    """A Prometheus that scrapes each second."""

    def __init__(self, url: str, http: aiohttp.ClientSession, child: Child) -> None:
        self.child = child
        self._url = url
        self._http = http

    async def get(self, path: str, **query: str) -> Any:
        try:
            async with self._http.get(f"{self._url}{path}", params=query) as answer:
                return (await answer.json(content_type=None)).get("data")
        except (aiohttp.ClientError, ValueError):
            return None

    async def samples(self, query: str) -> list[str]:
        """The values of a query that are numbers, as Prometheus writes them."""
        found = await self.get("/api/v1/query", query=query) or {"result": []}
        values = [one["value"][1] for one in found["result"]]
        return [value for value in values if value != "NaN"]

    async def alerts(self) -> dict[str, str]:
        """The state of each alert that is not inactive."""
        found = await self.get("/api/v1/alerts") or {"alerts": []}
        return {one["labels"]["alertname"]: one["state"] for one in found["alerts"]}


@asynccontextmanager
async def prometheus(folder: Path, worker: str, edge: str) -> AsyncIterator[Prometheus]:
    """Run it with the rules of `deploy/`, which have the patience of a test."""
    if (program := shutil.which("prometheus")) is None:
        missing("Prometheus (Debian: apt-get install prometheus)")
        raise AssertionError("unreachable")
    rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        rule["for"] = "1s"
        if rule["alert"] == "ParleyLag":
            rule["expr"] = rule["expr"].replace("> 30", "> 1")
    (folder / "alerts.yml").write_text(yaml.safe_dump(rules))
    config = yaml.safe_load((PROMETHEUS / "one-machine.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job, address in zip(config["scrape_configs"], (worker, edge), strict=True):
        job["static_configs"] = [{"targets": [address]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    child = Child(
        [
            *(program, f"--config.file={folder / 'prometheus.yml'}"),
            f"--web.listen-address=127.0.0.1:{port}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
        ],
        folder / "prometheus.log",
        inherited({}),
    )
    child.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Prometheus(f"http://127.0.0.1:{port}", http, child)
    finally:
        await child.stop(10)


@pytest.mark.timeout(120)
async def test_no_panel_of_the_dashboard_is_empty_after_some_chat(
    chat: Chat, tmp_path: Path
) -> None:
    async with (
        prometheus(tmp_path, *chat.metrics) as watching,
        Person(chat, "ann") as ann,
        Listener(chat, "ann"),
    ):
        room = await ann.open_room()
        empty = set(queries())

        async def all_shown() -> bool:
            await ann.say(room, "hello")
            for title in sorted(empty):
                if all([await watching.samples(query) for query in queries()[title]]):
                    empty.discard(title)
            return not empty

        await until(all_shown, lambda: f"{sorted(empty)}\n{watching.child.tail()}", within=60)


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

            async def fire(*names: str) -> bool:
                found = await watching.alerts()
                return all(found.get(name) == "firing" for name in names)

            async def quiet() -> bool:
                return not await watching.alerts()

            ready = partial(watching.samples, 'parley_group_state{state="ok"} == 1')
            await until(ready, worker.tail, within=60)
            await until(quiet, worker.tail, within=20)
            await ann.open_room(room=room)
            await until(partial(fire, "ParleyHistoryAway", "ParleyLag"), worker.tail, within=30)
            store.touch()
            await until(partial(fire, "ParleyDeadLetters"), worker.tail, within=30)
            worker.kill()
            await until(partial(fire, "ParleyTargetDown", "ParleyGroupDown"), within=30)
    finally:
        await worker.stop()
