"""How long a snapshot of very many rooms takes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from app.local.demo_room import address
from app.operations.edge_client import EdgeClient
from app.runtime.dev_tokens import mint
from app.settings import Settings
from bench.cost import AT_ONCE
from bench.figures import quantiles

_PERSON = "collector"
_TIMES = 100


async def snapshots(posting: EdgeClient, settings: Settings, rooms: int) -> dict[str, Any]:
    """Milliseconds of `GET /v1/sync`, one after the other, for a user in that many rooms."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def open_room(index: int) -> None:
        async with gate:
            room = f"mine-{index}"
            await posting.post("/v1/rooms", _PERSON, {"room": room, "client_id": "open"})
            wish = {"text": f"first words in {room}", "client_id": "first"}
            await posting.post(f"/v1/rooms/{room}/messages", _PERSON, wish)

    await asyncio.gather(*(open_room(index) for index in range(rooms)))
    headers = {"Authorization": f"Bearer {mint(settings, _PERSON)}"}
    taken: list[int] = []
    size = 0
    async with aiohttp.ClientSession(address(settings), headers=headers) as session:
        for _ in range(_TIMES):
            began = time.monotonic_ns()
            async with session.get("/v1/sync") as answer:
                answer.raise_for_status()
                size = len(await answer.read())
            taken.append(time.monotonic_ns() - began)
    return {"rooms": rooms, "ms": quantiles(taken), "bytes": size, "times": _TIMES}
