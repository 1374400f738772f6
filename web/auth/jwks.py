"""The public keys of a token issuer: a JSON Web Key Set behind a URL or in a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from app.errors import Unreachable
from app.runtime.http_answer import read_answer
from app.setting_values import without_password
from web.auth.issuer_keys import IssuerKey, issuer_keys

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: Seconds between two fetches, so that invented key ids don't cause a flood of them.
PAUSE: Final = 10.0
#: Seconds after which known keys are fetched again, asked for or not: a withdrawn one is gone
#: within a minute, for streams that ask for nothing, too.
FRESH: Final = 30.0
#: Seconds for one fetch.
TIMEOUT: Final = 5.0
LARGEST: Final = 1024 * 1024

#: Keys that are tried for a token which does not say by which one it is signed.
_TRIED: Final = 8


class KeySet:
    """The keys of a JWKS.

    A fetch that fails keeps the keys known so far, and a token with a known key waits for none.
    `on_change` is called where a key was removed or replaced.
    """

    def __init__(self, source: str, on_change: Callable[[], None] = lambda: None) -> None:
        self._source = source
        self._on_change = on_change
        self._keys: list[IssuerKey] = []
        self._thumbprints: frozenset[str] = frozenset()
        self._known = False
        self._tried = -PAUSE
        self._failed = ""
        self._fetching: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def keys(self, algorithm: str, kid: str | None) -> list[IssuerKey]:
        """The keys that may have signed a token, few of them and mostly one.

        Those of its key id, or those without any id; for a token without one also the only key
        there is for its algorithm. None: the issuer has no such key. Raises `Unreachable` where the
        key set can't be read.
        """
        return self._find(algorithm, kid) or await self.newer_keys(algorithm, kid)

    async def newer_keys(self, algorithm: str, kid: str | None) -> list[IssuerKey]:
        """As `keys`, after another fetch, unless the last one was a moment ago."""
        await self._fetched()
        found = self._find(algorithm, kid)
        if not found and self._failed:
            raise self._unreachable()
        return found

    async def has(self, thumbprint: str) -> bool:
        """Whether the issuer has the key now. Raises `Unreachable` while that is not known."""
        if not self._known:
            await self._fetched()
            if not self._known:
                raise self._unreachable()
        return thumbprint in self._thumbprints

    def lacks(self, thumbprint: str) -> bool:
        """Whether the issuer is known to have withdrawn the key."""
        return self._known and thumbprint not in self._thumbprints

    async def close(self) -> None:
        """End the fetches."""
        tasks = [task for task in (self._refreshing, self._fetching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _unreachable(self) -> Unreachable:
        return Unreachable(f"the key set {without_password(self._source)}: {self._failed}")

    def _find(self, algorithm: str, kid: str | None) -> list[IssuerKey]:
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        found = [key for key in fitting if key.kid == kid]
        if not found and kid is not None:
            found = [key for key in fitting if key.kid is None]
        elif not found and len(fitting) == 1:
            found = fitting
        return found[:_TRIED]

    async def _fetched(self) -> None:
        """Wait for the fetch under way, or for a new one unless the last was too short ago."""
        now = time.monotonic()
        if self._fetching is None and now - self._tried >= PAUSE:
            self._tried = now
            self._fetching = asyncio.create_task(self._fetch(), name="key set")
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(), name="key set, again")
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(FRESH)
            await self._fetched()

    async def _fetch(self) -> None:
        try:
            self._take(await _read(self._source))
        # `ValueError` and `RecursionError`: an answer that is not valid, not even as UTF-8.
        except (OSError, TimeoutError, aiohttp.ClientError, ValueError, RecursionError) as error:
            self._failed = f"{type(error).__name__}: {error}"
            source = without_password(self._source)
            log.warning("the key set can't be read", source=source, error=self._failed)
        else:
            self._failed = ""
        finally:
            self._fetching = None

    def _take(self, content: bytes) -> None:
        keys = issuer_keys(content)
        # A key that is still there under another id or for other algorithms is another one.
        gone = not {key[:2] + key[3:] for key in self._keys} <= {key[:2] + key[3:] for key in keys}
        self._keys, self._known = keys, True
        self._thumbprints = frozenset(key.thumbprint for key in keys)
        if gone:
            self._on_change()


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
