from __future__ import annotations

from pathlib import Path

import pytest
from redis import asyncio as aioredis

from app.embedded.valkey import Valkey


async def test_a_persistent_server_keeps_its_data_over_a_stop(tmp_path: Path) -> None:
    async with Valkey(tmp_path, persist=True) as server:
        await aioredis.from_url(server.url).set("k", "v")
    async with Valkey(tmp_path, persist=True) as server:
        assert await aioredis.from_url(server.url).get("k") == b"v"


async def test_a_killed_server_comes_back_empty_on_its_port(tmp_path: Path) -> None:
    async with Valkey(tmp_path) as server:
        await aioredis.from_url(server.url).set("k", "v")
        port = server.port
        server.kill()
        await server.start()
        assert server.port == port
        assert await aioredis.from_url(server.url).get("k") is None


@pytest.mark.parametrize("feature", ["FUNCTION", "XADD", "SPUBLISH"])
async def test_the_server_knows_what_delivery_stands_on(valkey: Valkey, feature: str) -> None:
    known = await aioredis.from_url(valkey.url).execute_command("COMMAND", "INFO", feature)
    assert known[feature.lower()] if isinstance(known, dict) else known[0]
