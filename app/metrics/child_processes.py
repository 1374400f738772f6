"""The metrics of the processes that a worker runs for itself, which its own `/metrics` has, too.

Prometheus then has one target for a worker, whatever agents and subscriptions it runs. Each process
serves its metrics on a socket in the file system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import aiohttp
from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

#: What `PARLEY_PROMETHEUS_HOST` begins with where it is a socket.
UNIX: Final = "unix:"

#: Seconds in which a process has to answer; the others are told without it.
_SECONDS: Final = 1.0

#: The beginning of metrics of a process that are not of Parley: memory, files, time of the CPU.
_OF_PROCESS: Final = "process_"


class ChildProcesses:
    """The processes, by their sockets in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sockets: dict[str, Path] = {}

    def host(self, name: str) -> str:
        """`PARLEY_PROMETHEUS_HOST` of the process of this name, which is scraped from now on."""
        self._sockets[name] = self._folder / f"{len(self._sockets)}.sock"
        return f"{UNIX}{self._sockets[name]}"

    async def scrape(self) -> list[Family]:
        """The metrics of all processes that answer."""
        found = await asyncio.gather(*(_scrape(*one) for one in self._sockets.items()))
        return [family for families in found for family in families]


async def _scrape(name: str, socket: Path) -> list[Family]:
    connector = aiohttp.UnixConnector(str(socket))
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
            http.get("http://process/metrics") as answer,
        ):
            text = await answer.text()
    except (aiohttp.ClientError, OSError, TimeoutError):
        return []  # it is starting, or has ended
    families = list(text_string_to_metric_families(text))
    for family in families:
        if family.name.startswith(_OF_PROCESS):
            family.samples = [_labelled(sample, name) for sample in family.samples]
    return families


def _labelled(sample: Sample, process: str) -> Sample:
    return sample._replace(labels={**sample.labels, "process": process})


class Merged(Collector):
    """Families of several processes as one: samples of the same name and labels are added up."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families: dict[str, Family] = {}
        self._samples: dict[str, dict[tuple[str, frozenset[tuple[str, str]]], Sample]] = {}
        for family in families:
            known = self._families.setdefault(family.name, family)
            samples = self._samples.setdefault(known.name, {})
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                before = samples[key].value if key in samples else 0.0
                samples[key] = sample._replace(value=before + sample.value)

    def collect(self) -> Iterator[Family]:
        """The merged families."""
        for name, family in self._families.items():
            merged = Family(name, family.documentation, family.type)
            merged.samples = list(self._samples[name].values())
            yield merged
