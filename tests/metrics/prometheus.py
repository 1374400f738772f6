"""A real Prometheus, with the alert rules of `deploy/`."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml

from app.embedded.child import Child
from app.embedded.ports import free_port
from app.settings import inherited
from tests.conftest import missing
from tests.metrics.files import PROMETHEUS
from tests.support.chat import until

#: What rules wait for, in seconds, and the patience of a test.
_HASTY: Final = {"ParleyLag": [("> 30", "> 1")], "ParleyRefill": [("> 60", "> 1")]}


class Prometheus:
    """A Prometheus that scrapes each second."""

    def __init__(self, url: str, http: aiohttp.ClientSession, child: Child) -> None:
        self.child = child
        self._url = url
        self._http = http

    async def get(self, path: str, **query: str) -> Any:
        """The data of an answer; `None` where there is none yet."""
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

    async def fires(self, *names: str) -> None:
        """Return when all of these alerts fire."""

        async def all_fire() -> bool:
            found = await self.alerts()
            return all(found.get(name) == "firing" for name in names)

        await until(all_fire, lambda: f"waiting for {names}\n{self.child.tail()}", within=60)

    async def quiet(self) -> None:
        """Return when both targets answer, and no alert fires or is about to."""

        async def none() -> bool:
            both = await self.samples("count(up == 1) == 2")
            return bool(both) and not await self.alerts()

        await until(none, self.child.tail, within=60)


@asynccontextmanager
async def prometheus(
    folder: Path, worker: str, edge: str, *others: str
) -> AsyncIterator[Prometheus]:
    """Run it with the rules of `deploy/`, which have the patience of a test."""
    if (program := shutil.which("prometheus")) is None:
        missing("Prometheus (Debian: apt-get install prometheus)")
        raise AssertionError("unreachable")
    rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        rule["for"] = "1s"
        for patient, hasty in _HASTY.get(rule["alert"], ()):
            assert patient in rule["expr"]
            rule["expr"] = rule["expr"].replace(patient, hasty)
    (folder / "alerts.yml").write_text(yaml.safe_dump(rules))
    config = yaml.safe_load((PROMETHEUS / "one-machine.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job, address in zip(config["scrape_configs"], (worker, edge), strict=True):
        job["static_configs"] = [{"targets": [address]}]
    if others:
        job = {"job_name": "parley-verify", "static_configs": [{"targets": list(others)}]}
        config["scrape_configs"].append(job)
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
