"""The answer of `/readyz`."""

from __future__ import annotations

from typing import Any

import aiohttp


async def readyz(url: str) -> dict[str, Any]:
    """What `/readyz` answers, with its status; nothing while nobody listens there."""
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
            return {"status": answer.status, **await answer.json()}
    except aiohttp.ClientError:
        return {}


async def tells(url: str, status: int, **parts: object) -> bool:
    """Whether it answers with this status, and has these parts among others."""
    told = await readyz(url)
    return told.get("status") == status and parts.items() <= told.items()
