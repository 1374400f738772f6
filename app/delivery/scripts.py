"""Calling our scripts in Valkey, many in one round trip."""

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
from app.errors import Unreachable

#: A script by its file's name, its keys, its arguments.
Command = tuple[str, Sequence[str], Sequence[Any]]

#: Seconds that calls may take. They take milliseconds: beyond this the server is away.
_TIMEOUT: Final = 5.0

#: How the replies begin that say that the server can't now, rather than that we are wrong.
_AWAY: Final = ("OOM", "READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "MISCONF", "BUSY")


class Scripts:
    """Scripts that may be called again where a call failed in between.

    Raises `Unreachable` where Valkey does not answer in time or can't write, and `ResponseError`
    where a script is wrong.
    """

    def __init__(self, redis: aioredis.Redis) -> None:
        self._client = PipelinedClient(redis)
        self._sources: dict[str, str] = {}
        self._hashes: dict[str, str] = {}

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """What each call answers, in order. Where a script is unknown, all are called again."""
        calls: list[tuple[Part, ...]] = [
            ("EVALSHA", self._hash(name), len(keys), *keys, *arguments)
            for name, keys, arguments in commands
        ]
        try:
            async with asyncio.timeout(_TIMEOUT):
                answers = await self._client.ask(calls)
                if any(_says(answer, "NOSCRIPT") for answer in answers):
                    await self._client.ask(
                        [("SCRIPT", "LOAD", source) for source in self._sources.values()]
                    )
                    answers = await self._client.ask(calls)
        except TimeoutError:
            self._client.close()  # what comes late is no answer to what is asked next
            raise Unreachable("Valkey does not answer") from None
        _check(answers)
        return answers

    def _hash(self, name: str) -> str:
        if name not in self._hashes:
            source = files("app.delivery").joinpath(name).read_text()
            self._sources[name] = source
            self._hashes[name] = sha1(source.encode(), usedforsecurity=False).hexdigest()
        return self._hashes[name]


def _says(answer: Any, *words: str) -> bool:
    return isinstance(answer, Exception) and str(answer).startswith(words)


def _check(answers: Sequence[Any]) -> None:
    for answer in answers:
        if _says(answer, *_AWAY):
            raise Unreachable(f"Valkey: {answer}")
        if isinstance(answer, Exception):
            raise ResponseError(str(answer))
