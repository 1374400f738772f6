"""Requests to push services: few at a time to each, and hardly any to one that is away.

Thousands of browsers share a push service. One that does not answer takes the time of its own
requests and of no others.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

import aiohttp

from app.domain import circuit_breaker
from app.runtime.http_answer import AnswerTooLarge, read_answer
from app.runtime.outside_addresses import CheckedResolver, OutsideAddresses

#: Requests to one push service that are under way, at most, and seconds for one.
_PARALLEL: Final = 32
_SECONDS: Final = 10.0

_ANSWER_BYTES: Final = 16 * 1024
_SHOWN: Final = 200

#: The longest `Retry-After` that is kept to, in seconds.
_LONGEST_WAIT: Final = 3600.0

_TOO_MANY: Final = 429
_GONE: Final = frozenset({404, 410})


class Outcome(NamedTuple):
    """What became of a request: `why` is empty where it was taken.

    `gone`: the subscription is no more. `refused`: the same request would be refused again. `wait`
    is the pause that is asked for, in seconds. `answer` is what was answered.
    """

    why: str = ""
    gone: bool = False
    refused: bool = False
    wait: float = 0.0
    answer: bytes = b""


class _Service:
    """A push service, by the scheme, host and port of its URLs."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(_PARALLEL)
        self.breaker = circuit_breaker.Breaker()
        self.users = 0


class PushRequests:
    """Posts to push services; without `addresses` to whatever address a URL names."""

    def __init__(self, addresses: OutsideAddresses | None) -> None:
        self._addresses = addresses
        self._http: aiohttp.ClientSession | None = None
        self._services: dict[str, _Service] = {}

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def post(self, url: str, origin: str, headers: dict[str, str], body: bytes) -> Outcome:
        """Send a request; never raises what the service or the network does."""
        if self._addresses is not None and (flaw := self._addresses.flaw(url)) is not None:
            return Outcome(flaw, refused=True)
        service = self._services.setdefault(origin, _Service())
        service.users += 1
        try:
            async with service.turns:
                seconds = circuit_breaker.wait_seconds(service.breaker, time.monotonic())
                if seconds:
                    return Outcome("it failed too often, and is not asked now", wait=seconds)
                outcome = await self._tried(url, headers, body)
                self._note(service, outcome)
                return outcome
        finally:
            service.users -= 1
            if not service.users and not service.breaker.failures:
                self._services.pop(origin, None)

    def _note(self, service: _Service, outcome: Outcome) -> None:
        if not outcome.why or outcome.gone or outcome.refused:
            service.breaker = circuit_breaker.after_success()
        else:
            service.breaker = circuit_breaker.after_failure(service.breaker, time.monotonic())

    async def _tried(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._request(url, headers, body)
        except TimeoutError:
            return Outcome(f"no answer within {_SECONDS:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(_plain(str(error) or type(error).__name__))

    async def _request(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        if self._http is None:
            self._http = self._session()
        async with self._http.post(
            url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            said = await _read(answer)
            status = answer.status
            if 200 <= status < 300:
                return Outcome(answer=said)
            text = _plain(said.decode("utf-8", "replace"))
            why = f"{status} {answer.reason or ''}".strip() + (f": {text}" if text else "")
            return Outcome(
                why,
                gone=status in _GONE,
                refused=status < 500 and status != _TOO_MANY,
                wait=_wait(answer),
            )

    def _session(self) -> aiohttp.ClientSession:
        resolver = None if self._addresses is None else CheckedResolver(self._addresses)
        connector = aiohttp.TCPConnector(limit=0, resolver=resolver, ttl_dns_cache=60)
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The answer; nothing, and no more of the connection, where it is long or slow."""
    try:
        async with asyncio.timeout(1):
            return await read_answer(answer, _ANSWER_BYTES)
    except (AnswerTooLarge, TimeoutError, aiohttp.ClientError):
        answer.close()
        return b""


def _wait(answer: aiohttp.ClientResponse) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else 0.0


def _plain(text: str) -> str:
    """The beginning of the text in one line: others wrote it, and terminals show it."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:_SHOWN]
