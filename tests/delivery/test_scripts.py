"""Script calls are repeated where that is safe, and errors name Valkey or the script."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest
from redis import asyncio as aioredis
from redis.exceptions import ResponseError

from app.delivery import keys, scripts
from app.delivery.scripts import Command, Scripts
from app.embedded.valkey import Valkey
from app.errors import Unreachable
from tests.support.chat import until

KEYS = [keys.position(1), keys.whole(1), keys.filling(1)]
NOTE: Command = ("whole.lua", KEYS, [0, b"sign"])


@pytest.fixture(autouse=True)
async def sign(redis: aioredis.Redis) -> None:
    await redis.set(keys.filling(1), b"sign")


async def test_a_server_that_has_forgotten_the_scripts_is_told_them(redis: aioredis.Redis) -> None:
    calling = Scripts(redis)
    assert await calling.run([NOTE]) == [1]
    await redis.script_flush()
    assert await calling.run([NOTE, NOTE]) == [1, 1]


async def test_a_lost_connection_is_made_again(redis: aioredis.Redis) -> None:
    calling = Scripts(redis)
    await calling.run([NOTE])
    await redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    async def answers() -> bool:
        with suppress(Unreachable):  # where it has not been noticed yet
            return await calling.run([NOTE]) == [1]
        return False

    await until(answers)


async def test_a_server_that_may_not_write_is_away(redis: aioredis.Redis) -> None:
    calling = Scripts(redis)
    await redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(Unreachable, match="NOREPLICAS"):
            await calling.run([NOTE])
    finally:
        await redis.config_set("min-replicas-to-write", 0)


async def test_a_call_that_is_wrong_is_a_mistake(redis: aioredis.Redis) -> None:
    with pytest.raises(ResponseError, match="compare"):
        await Scripts(redis).run([("whole.lua", KEYS, ["x", b"sign"])])


async def test_a_server_that_stands_still_is_away_and_its_late_answer_is_nobodys(
    redis: aioredis.Redis, apart: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    calling = Scripts(redis)
    await calling.run([NOTE])
    monkeypatch.setattr(scripts, "_TIMEOUT", 0.2)
    apart.child.send(signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match="does not answer"):
            await calling.run([NOTE])
    finally:
        apart.child.send(signal.SIGCONT)
    monkeypatch.setattr(scripts, "_TIMEOUT", 30)
    behind = ("whole.lua", KEYS, [7, b"sign"])
    assert await calling.run([behind, NOTE]) == [0, 1]
