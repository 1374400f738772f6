"""A connection to Valkey that could not be established is not left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis import asyncio as aioredis

from app.delivery import connection
from app.delivery.connection import open_connection
from app.delivery.valkey import connect
from app.errors import Unreachable
from tests.support.chat import until


class Loading:
    """A server that takes connections and answers each command alike, or not at all."""

    def __init__(self) -> None:
        self.answer = b"-LOADING Valkey is loading the dataset in memory\r\n"
        self.opened = self.closed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        while await reader.read(4096):
            writer.write(self.answer)
        self.closed += 1
        writer.close()

    async def all_closed(self) -> bool:
        return self.opened == self.closed > 0


@pytest.fixture
async def loading() -> AsyncIterator[tuple[Loading, aioredis.Redis]]:
    loading = Loading()
    server = await asyncio.start_server(loading.serve, "127.0.0.1", 0)
    redis = connect(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    yield loading, redis
    await redis.aclose()
    server.close()


@pytest.mark.parametrize("answers", [True, False])
async def test_a_connection_that_is_not_let_in_is_closed(
    loading: tuple[Loading, aioredis.Redis], monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    server, redis = loading
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 0.2)
    if not answers:
        server.answer = b""
    for _ in range(3):
        with pytest.raises(Unreachable):
            await open_connection(redis, lambda _: None, lambda: None)
    await until(server.all_closed)
    assert server.opened == 3
