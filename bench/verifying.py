"""How long a verification takes of a log of a given length."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from typing import Any

from app.kafka.partition_reader import PartitionReader
from app.operations.edge_client import EdgeClient
from app.settings import Settings
from app.topics import LOG
from bench.audience import OWNER
from bench.cost import send

_ROOMS = 8
#: Seconds after which a verification is given up.
_PATIENCE = 600


async def fill(posting: EdgeClient, settings: Settings, events: int) -> None:
    """Send until the log has that many events."""
    missing = events - await _length(settings)
    rooms = [f"filled-{index}" for index in range(_ROOMS)]
    for room in rooms:
        await posting.post("/v1/rooms", OWNER, {"room": room, "client_id": "open"})
    each = max(0, missing) // _ROOMS + 1
    # Side by side, because a message's way is mostly waiting for the batch that it goes with.
    await asyncio.gather(*(send(posting, room, each, "fill") for room in rooms))


def verification(settings: Settings) -> dict[str, Any]:
    """Run `parley verify` as an operator would; its seconds and the last line it says."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", "verify"],
        env={**os.environ, **settings.environ()},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    lines = (ended.stdout + ended.stderr).strip().splitlines() or ["it said nothing"]
    return {
        "seconds": round(time.monotonic() - began, 1),
        "verdict": lines[-1],
        "differences": lines[:-1][:20],
    }


async def _length(settings: Settings) -> int:
    async with PartitionReader(settings) as reader:
        ends = [await reader.end(LOG, partition) for partition in range(settings.partitions)]
    return sum(ends)
