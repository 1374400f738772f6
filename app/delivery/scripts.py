"""Calls of Lua scripts in Valkey, many in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final

from redis import asyncio as aioredis
from redis.exceptions import ResponseError

from app.delivery.connection import Part
from app.delivery.pipelined_client import PipelinedClient
from app.delivery.refusals import refusal
from app.errors import Unreachable

#: The file names of a script's parts, joined by `+`; its keys; its arguments.
Command = tuple[str, Sequence[str], Sequence[Any]]

#: Seconds for a call, which takes milliseconds: beyond this the server is away.
_TIMEOUT: Final = 5.0


class Scripts:
    """Calls idempotent scripts; each call has so many `seconds`.

    Raises `Unreachable` where Valkey does not answer in time or can't write, and `ResponseError`
    for a wrong script.
    """

    def __init__(self, redis: aioredis.Redis, seconds: float = _TIMEOUT) -> None:
        self._client = PipelinedClient(redis)
        self._seconds = seconds
        self._sources: dict[str, str] = {}
        self._hashes: dict[str, str] = {}

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to the calls, in order. If Valkey lacks a script, all calls are repeated."""
        calls: list[tuple[Part, ...]] = [
            ("EVALSHA", self._hash(name), len(keys), *keys, *arguments)
            for name, keys, arguments in commands
        ]
        try:
            async with asyncio.timeout(self._seconds):
                answers = await self._client.execute(calls)
                if any(_is_error(answer, "NOSCRIPT") for answer in answers):
                    await self._client.execute(
                        [("SCRIPT", "LOAD", source) for source in self._sources.values()]
                    )
                    answers = await self._client.execute(calls)
        except TimeoutError:
            self._client.close()  # a late reply must not be taken for the next one
            raise Unreachable("Valkey does not answer") from None
        self._check(answers)
        return answers

    def _check(self, answers: Sequence[Any]) -> None:
        for answer in answers:
            if isinstance(answer, Exception):
                if (refused := refusal(str(answer))) is not None:
                    self._client.close()  # another server may be behind the address by now
                    raise refused
                raise ResponseError(str(answer))

    def _hash(self, name: str) -> str:
        if name not in self._hashes:
            parts = name.split("+")
            source = "".join(files("app.delivery").joinpath(part).read_text() for part in parts)
            self._sources[name] = source
            self._hashes[name] = sha1(source.encode(), usedforsecurity=False).hexdigest()
        return self._hashes[name]


def _is_error(answer: Any, *words: str) -> bool:
    return isinstance(answer, Exception) and str(answer).startswith(words)
