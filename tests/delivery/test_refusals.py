"""A Valkey that takes no command for now is away, for each of the clients alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.lookups import Lookups
from app.delivery.read_marks import ReadMarks
from app.delivery.refusals import REFUSALS, Refused, refusal
from app.delivery.scripts import Scripts
from app.delivery.valkey import connect
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.runtime.retry import AWAY
from tests.support.chat import until

#: Each call has something to write.
numbers = count(1)


async def write(redis: aioredis.Redis) -> None:
    await redis.set("key", "value")


async def pipeline(redis: aioredis.Redis) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        pipe.publish("channel", "message")
        pipe.set("key", "value")
        await pipe.execute()


async def transaction(redis: aioredis.Redis) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.exists("key")
        pipe.set("key", "value")
        await pipe.execute()


async def script(redis: aioredis.Redis) -> None:
    await Scripts(redis).run([("belong.lua", [keys.rooms_of("ann")], ["room", next(numbers)])])


async def marks(redis: aioredis.Redis) -> None:
    await ReadMarks(redis, 8).advance({"room": {"ann": next(numbers)}})


@asynccontextmanager
async def noreplicas(redis: aioredis.Redis) -> AsyncIterator[str]:
    await redis.config_set("min-replicas-to-write", 1)
    try:
        yield "NOREPLICAS"
    finally:
        await redis.config_set("min-replicas-to-write", 0)


@asynccontextmanager
async def full(redis: aioredis.Redis) -> AsyncIterator[str]:
    await redis.config_set("maxmemory", 1)
    try:
        yield "OOM"
    finally:
        await redis.config_set("maxmemory", 0)


@asynccontextmanager
async def unwritable(redis: aioredis.Redis) -> AsyncIterator[str]:
    """The data can't be saved: a folder has the name of their file."""
    found = await redis.config_get("dir", "dbfilename")
    inside = Path(found["dir"]) / found["dbfilename"] / "inside"
    inside.mkdir(parents=True)

    async def failed() -> bool:
        return (await redis.info("persistence"))["rdb_last_bgsave_status"] == "err"

    if not await failed():
        await redis.execute_command("BGSAVE")
        await until(failed)
    await redis.config_set("save", "3600 1")
    try:
        yield "MISCONF"
    finally:
        await redis.config_set("save", "")
        inside.rmdir()
        inside.parent.rmdir()


@asynccontextmanager
async def replica(redis: aioredis.Redis) -> AsyncIterator[str]:
    await redis.execute_command("REPLICAOF", "127.0.0.1", free_port())
    try:
        yield "READONLY"
    finally:
        await redis.execute_command("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def cut_off(redis: aioredis.Redis) -> AsyncIterator[str]:
    """A replica without its primary, which is to serve nothing old."""
    await redis.config_set("replica-serve-stale-data", "no")
    await redis.config_set("replica-read-only", "no")  # or a write is refused as READONLY
    try:
        async with replica(redis):
            yield "MASTERDOWN"
    finally:
        await redis.config_set("replica-serve-stale-data", "yes")
        await redis.config_set("replica-read-only", "yes")


@asynccontextmanager
async def busy(redis: aioredis.Redis) -> AsyncIterator[str]:
    await redis.config_set("busy-reply-threshold", 1)
    endless = asyncio.create_task(redis.eval("while true do end", 0))
    while True:
        try:
            await redis.ping()
        except AWAY:
            break
    try:
        yield "BUSY"
    finally:
        await redis.script_kill()
        await asyncio.gather(endless, return_exceptions=True)
        await redis.config_set("busy-reply-threshold", 5000)


@pytest.mark.parametrize("act", [write, pipeline, transaction, script, marks])
@pytest.mark.parametrize("provoke", [noreplicas, full, unwritable, replica, cut_off, busy])
async def test_a_server_that_refuses_is_away_until_it_does_not(
    redis: aioredis.Redis,
    provoke: Callable[[aioredis.Redis], Any],
    act: Callable[[aioredis.Redis], Awaitable[None]],
) -> None:
    await act(redis)
    async with provoke(redis) as code:
        with pytest.raises(AWAY, match=code) as caught:
            await act(redis)
        assert isinstance(caught.value, Refused)
    await act(redis)


async def test_a_cluster_without_an_owner_of_a_slot_is_away(tmp_path: Path) -> None:
    class Clustered(Valkey):
        def _command(self) -> list[str]:
            return [*super()._command(), "--cluster-enabled", "yes"]

    async with Clustered(tmp_path) as server:
        redis = connect(server.url)
        for act in (write, pipeline, script, marks):
            with pytest.raises(AWAY, match="CLUSTERDOWN"):
                await act(redis)
        await redis.aclose()


async def test_a_lookup_of_an_edge_names_the_refusal(redis: aioredis.Redis) -> None:
    lookups = Lookups(redis)
    async with cut_off(redis) as code:
        with pytest.raises(Refused, match=code):
            await lookups.positions(8)
    assert await lookups.positions(8) == [-2] * 8
    lookups.close()


@pytest.mark.parametrize("code", REFUSALS)
def test_a_transaction_that_is_refused_at_its_end_is_away(code: str) -> None:
    reply = f"EXECABORT Transaction discarded because of: {code} for now"
    assert isinstance(refusal(reply), Refused)


@pytest.mark.parametrize(
    "reply", ["ERR unknown command", "WRONGTYPE Operation", "EXECABORT Transaction discarded", ""]
)
def test_a_mistake_is_no_refusal(reply: str) -> None:
    assert refusal(reply) is None
