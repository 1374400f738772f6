"""Calling our scripts in Valkey, many in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis import asyncio as aioredis
from redis.exceptions import NoScriptError

#: A script by its file's name, its keys, its arguments.
Command = tuple[str, Sequence[str], Sequence[Any]]


class Scripts:
    """Scripts that may be called again where a call failed in between.

    redis-py's own asks before each call whether the server knows the script: a round trip more.
    """

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis: Any = redis
        self._sources: dict[str, str] = {}
        self._hashes: dict[str, str] = {}

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """What each call answers, in order. Where a script is unknown, all are called again."""
        try:
            return await self._run(commands)
        except NoScriptError:
            for source in self._sources.values():
                await self._redis.script_load(source)
            return await self._run(commands)

    async def _run(self, commands: Sequence[Command]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for name, keys, arguments in commands:
                pipe.execute_command("EVALSHA", self._hash(name), len(keys), *keys, *arguments)
            answers: list[Any] = await pipe.execute()
        return answers

    def _hash(self, name: str) -> str:
        if name not in self._hashes:
            source = files("app.delivery").joinpath(name).read_text()
            self._sources[name] = source
            self._hashes[name] = sha1(source.encode(), usedforsecurity=False).hexdigest()
        return self._hashes[name]
