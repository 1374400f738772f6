"""A Parley of a benchmark's own: Kafka, Valkey, a worker and an edge, each a process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.errors import ParleyError
from app.kafka.admin import provision
from app.local.demo_room import edge_is_ready, lobby_is_open
from app.local.supervisor import Command, Supervisor
from app.settings import Settings
from app.topics import TOPICS

_READY_SECONDS = 90.0

#: A benchmark asks at full speed, all from one address.
UNHURRIED: Final[dict[str, Any]] = {"limits": 1000.0, "connections": 0, "polls": 10_000}


@dataclass(frozen=True)
class Running:
    """A running Parley: the settings that reach it, and its processes by name."""

    settings: Settings
    children: Mapping[str, Child]


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[Running]:
    """Everything as `parley up` starts it, on free ports, with its data in `folder`.

    `changes` are settings; without any, limits are too high to be met.

    Raises `ParleyError` with the end of a log where it does not come up, and where a process has
    ended by itself meanwhile: what was measured is worth nothing then.
    """
    supervisor = Supervisor(print)
    try:
        kafka = Kafka(folder / "kafka")
        await supervisor.start("Kafka", kafka)
        valkey = Valkey(folder / "valkey", persist=True)
        await supervisor.start("Valkey", valkey)
        settings = Settings(
            broker=kafka.url,
            redis=valkey.url,
            data=folder,
            secret=token_hex(32),
            worker="bench",
            port=free_port(),
            **(UNHURRIED | changes),
        )
        await provision(settings, TOPICS)
        parts = {name: _command(name, settings) for name in ("worker", "edge")}
        for name, part in parts.items():
            await supervisor.start(f"the {name}", part)
        await _until(settings, edge_is_ready, parts["edge"].child)
        await _until(settings, lobby_is_open, parts["worker"].child)
        children = {name: part.child for name, part in parts.items()}
        children |= {"kafka": kafka.child, "valkey": valkey.child}
        yield Running(settings, children)
        if ended := [name for name, child in children.items() if not child.running]:
            raise ParleyError(f"ended meanwhile: {', '.join(ended)}")
    finally:
        await supervisor.stop()


def _command(name: str, settings: Settings) -> Command:
    return Command([name], settings.data / "logs" / f"{name}.log", settings.environ())


async def _until(
    settings: Settings, ready: Callable[[Settings], Awaitable[bool]], child: Child
) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not await ready(settings):
        if not child.running or time.monotonic() > deadline:
            raise ParleyError(f"it does not come up; its log says:\n{child.tail()}")
        await asyncio.sleep(0.1)
