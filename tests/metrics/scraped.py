"""What a process exposes, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from tests.metrics.files import promtool_reads


async def scrape(address: str) -> list[Family]:
    """All metrics at `host:port`, but those of the process."""
    async with aiohttp.ClientSession() as http, http.get(f"http://{address}/metrics") as answer:
        assert answer.status == 200
        text = await answer.text()
    promtool_reads(text.encode())
    found = text_string_to_metric_families(text)
    return [family for family in found if family.name.startswith("parley_")]


def value(families: Iterable[Family], name: str, **labels: str) -> float | None:
    """The value of the one sample with this name and these labels."""
    return next(
        (
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        ),
        None,
    )
