"""The metrics of the processes that a worker runs for itself, which its own `/metrics` has, too.

Prometheus then has one target for a worker, whatever agents and subscriptions it runs. Each process
serves its metrics on a socket in the file system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp

#: What `PARLEY_PROMETHEUS_HOST` begins with where it is a socket.
UNIX: Final = "unix:"

#: The longest path of a folder of sockets: an address has 104 bytes on macOS, and 108 on Linux.
_LONGEST: Final = 90

#: Seconds in which a process has to answer; the others are told without it.
_SECONDS: Final = 1.0

#: The beginning of metrics of a process that are not of Parley: memory, files, time of the CPU.
_OF_PROCESS: Final = "process_"

#: The beginning of the first line of a metric.
_HELP: Final = "# HELP "


@contextmanager
def socket_folder(wanted: Path) -> Iterator[Path]:
    """The wanted folder; a temporary one where addresses of sockets in it would be too long.

    A worker that is killed can't remove its folder, and has this one again at its next start.
    """
    folder = wanted.absolute()
    if len(bytes(folder)) <= _LONGEST:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with TemporaryDirectory(prefix="parley-") as temporary:
        yield Path(temporary)


class ChildProcesses:
    """The processes, by their sockets in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sockets: dict[str, Path] = {}

    def host(self, name: str) -> str:
        """`PARLEY_PROMETHEUS_HOST` of the process of this name, which is scraped from now on."""
        self._sockets[name] = self._folder / f"{len(self._sockets)}.sock"
        return f"{UNIX}{self._sockets[name]}"

    async def scrape(self) -> dict[str, str]:
        """The texts of all processes that answer, by name."""
        found = await asyncio.gather(*map(_scrape, self._sockets.values()))
        return {name: text for name, text in zip(self._sockets, found, strict=True) if text}


async def _scrape(socket: Path) -> str:
    connector = aiohttp.UnixConnector(str(socket))
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
            http.get("http://process/metrics") as answer,
        ):
            return await answer.text()
    except (aiohttp.ClientError, OSError, TimeoutError):
        return ""  # it is starting, or has ended


def merged(own: str, others: Mapping[str, str]) -> str:
    """One text of several, by process, in which the samples of a metric stand together.

    The others' metrics have the group of their process among the labels; those that every process
    has get the label `process`.
    """
    blocks = {name: [text] for name, text in _blocks(own)}
    for process, whole in others.items():
        for name, text in _blocks(whole):
            if name.startswith(_OF_PROCESS):
                text = _labelled(text, process)
            known = blocks.setdefault(name, [])
            known.append("".join(_samples(text)) if known else text)
    return "".join(text for texts in blocks.values() for text in texts)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The name and the lines of each metric."""
    for block in text.split(_HELP)[1:]:
        yield block.split(" ", 1)[0], _HELP + block


def _samples(block: str) -> Iterator[str]:
    return (line for line in block.splitlines(keepends=True) if not line.startswith("#"))


def _labelled(block: str, process: str) -> str:
    """The lines of a metric without labels, which get one."""
    return "".join(
        line if line.startswith("#") else line.replace(" ", f'{{process="{process}"}} ', 1)
        for line in block.splitlines(keepends=True)
    )
