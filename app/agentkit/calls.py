"""Calls of services outside: at least once, with pauses and a circuit breaker for each function."""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import aiohttp
import structlog

from app.domain import circuit_breaker

R = TypeVar("R")
log = structlog.get_logger()

#: Seconds after which a call is given up: three days, as long as webhooks are tried.
GIVE_UP_SECONDS: Final = 3 * 24 * 60 * 60.0

#: Calls under way at a time, over all rooms.
MOST: Final = 64

#: The answers of HTTP that another try may change.
_PASSING: Final = frozenset({408, 425, 429})


def may_pass(error: Exception) -> bool:
    """Whether another try may succeed: the service is away, slow or busy."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status >= 500 or error.status in _PASSING
    return isinstance(error, OSError | TimeoutError | aiohttp.ClientError)


class OutsideCalls:
    """Calls functions, again and again while a service is away."""

    def __init__(self, agent: str, give_up: float = GIVE_UP_SECONDS) -> None:
        self._agent = agent
        self._give_up = give_up
        self._breakers: dict[str, circuit_breaker.Breaker] = {}
        self._room = asyncio.Semaphore(MOST)

    async def call(
        self, function: Callable[..., Awaitable[R]], arguments: tuple[Any, ...], key: str
    ) -> R:
        """The result of the function; raises what it raises where another try can't help."""
        name = getattr(function, "__qualname__", repr(function))
        options = {"idempotency_key": key} if _takes_key(function) else {}
        begun, tries = time.monotonic(), 0
        while True:
            await self._wait_closed(name)
            try:
                async with self._room:
                    result = await function(*arguments, **options)
            except Exception as error:
                tries += 1
                if not may_pass(error) or time.monotonic() - begun > self._give_up:
                    raise
                now = time.monotonic()
                known = self._breakers.get(name, circuit_breaker.Breaker())
                self._breakers[name] = circuit_breaker.after_failure(known, now)
                seconds = circuit_breaker.pause(tries) * random.uniform(0.5, 1.0)
                log.warning(
                    "a call outside failed, trying again",
                    agent=self._agent,
                    call=name,
                    error=repr(error)[:300],
                    tries=tries,
                    seconds=round(seconds, 1),
                )
                await asyncio.sleep(seconds)
            else:
                self._breakers.pop(name, None)
                return result

    async def _wait_closed(self, name: str) -> None:
        """Return when the function's breaker is closed; waiters come back one after the other."""
        while True:
            known = self._breakers.get(name, circuit_breaker.Breaker())
            if not (seconds := circuit_breaker.wait_seconds(known, time.monotonic())):
                return
            await asyncio.sleep(seconds * random.uniform(1.0, 1.2))


def _takes_key(function: Callable[..., Any]) -> bool:
    return "idempotency_key" in inspect.signature(function).parameters
