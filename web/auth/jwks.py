"""The public keys of a token issuer: a JSON Web Key Set behind a URL or in a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import structlog
from jwt import PyJWK, PyJWTError

from app.errors import Unreachable
from app.runtime.http_answer import read_answer

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: Seconds between two fetches, so that invented key ids don't cause a flood of them.
PAUSE: Final = 10.0
#: Seconds after which known keys are fetched again, so that a withdrawn one goes.
FRESH: Final = 300.0
#: Seconds for one fetch.
TIMEOUT: Final = 5.0
LARGEST: Final = 1024 * 1024


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


class KeySet:
    """The RSA keys of a JWKS, by key id.

    A fetch that fails keeps the keys known so far, and a token with a known key waits for none.
    `on_change` is called where a key was removed or replaced.
    """

    def __init__(self, source: str, on_change: Callable[[], None] = lambda: None) -> None:
        self._source = source
        self._on_change = on_change
        self._keys: dict[str | None, PyJWK] = {}
        self._raw: dict[str | None, dict[str, Any]] = {}
        self._tried = -PAUSE
        self._fetched = -FRESH
        self._failed = ""
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str | None) -> PyJWK | None:
        """The key of that id, or the only key there is for a token that names none.

        None: the issuer has no such key. Raises `Unreachable` where the key set can't be read.
        """
        now = time.monotonic()
        found = self._find(kid)
        if found is not None:
            if now - self._fetched > FRESH:
                self._fetch_soon(now)
            return found
        fetching = self._fetch_soon(now)
        if fetching is not None:
            await asyncio.shield(fetching)
        found = self._find(kid)
        if found is None and self._failed:
            raise Unreachable(f"the key set {self._source}: {self._failed}")
        return found

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _find(self, kid: str | None) -> PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _fetch_soon(self, now: float) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one; None: the last was too short ago."""
        if self._fetching is not None:
            return self._fetching
        if now - self._tried < PAUSE:
            return None
        self._tried = now
        self._fetching = asyncio.create_task(self._fetch(), name="key set")
        return self._fetching

    async def _fetch(self) -> None:
        try:
            self._take(await _read(self._source))
        # `ValueError` and `RecursionError`: an answer that is not valid, not even as UTF-8.
        except (OSError, TimeoutError, aiohttp.ClientError, ValueError, RecursionError) as error:
            self._failed = f"{type(error).__name__}: {error}"
            log.warning("the key set can't be read", source=self._source, error=self._failed)
        else:
            self._failed = ""
            self._fetched = time.monotonic()
        finally:
            self._fetching = None

    def _take(self, content: bytes) -> None:
        raw = {
            key.get("kid"): key
            for key in msgspec.json.decode(content, type=_Set).keys
            if key.get("kty") == "RSA"
            and key.get("use", "sig") == "sig"
            and key.get("alg", "RS256") == "RS256"
        }
        keys = {kid: key for kid, one in raw.items() if (key := _public(one)) is not None}
        gone = any(raw.get(kid) != one for kid, one in self._raw.items())
        self._keys, self._raw = keys, raw
        if gone:
            self._on_change()


def _public(raw: dict[str, Any]) -> PyJWK | None:
    """An RSA key for RS256 and nothing else; its private part, if there is one, is left out."""
    wanted: dict[str, Any] = {name: raw[name] for name in ("kty", "n", "e", "kid") if name in raw}
    try:
        return PyJWK(wanted, algorithm="RS256")
    except (PyJWTError, ValueError) as error:
        log.warning("a key of the key set can't be used", kid=raw.get("kid"), error=str(error))
        return None


async def _read(source: str) -> bytes:
    if not source.startswith(("http://", "https://")):
        path = Path(source.removeprefix("file://"))
        return await asyncio.to_thread(path.read_bytes)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
        session.get(source) as answer,
    ):
        return await read_answer(answer, LARGEST)
