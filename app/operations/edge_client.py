"""A client of an edge that repeats requests until they are answered, as any user."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, Self

import aiohttp
import msgspec

from app.errors import ParleyError, Unreachable
from app.runtime.dev_tokens import mint
from app.runtime.http_answer import read_answer
from app.settings import Settings

#: Seconds for which a failing request is repeated.
RETRY_SECONDS: Final = 120.0
_LONGEST_PAUSE: Final = 2.0
#: The most of a `Retry-After` that is waited for.
_LONGEST_WAIT: Final = 30.0
#: Bytes of an answer at most: a page of 200 of the longest messages has far fewer.
_LARGEST_ANSWER: Final = 64 * 1024 * 1024
#: Statuses that are about the moment, not about the request.
_RETRY_STATUSES: Final = frozenset({408, 425, 429})


class Refused(ParleyError):
    """The edge refused the request for good, with the `code` and `detail` of its problem."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class EdgeClient:
    """Requests to the edge at `url`, repeated while it is away or busy or has no number yet.

    They have admin tokens: the rates of persons are not for a program that sends for all of them.
    """

    def __init__(self, settings: Settings, url: str, retry_seconds: float = RETRY_SECONDS) -> None:
        self._settings = settings
        self._url = url.rstrip("/")
        self._retry_seconds = retry_seconds
        self._tokens: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=60)
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, path: str, user: str, body: dict[str, Any]) -> dict[str, Any]:
        """The edge's answer once the command has its place in the log.

        `body` must have a `client_id`, which makes it safe to repeat. Raises `Refused`, or
        `Unreachable` after `retry_seconds`.
        """
        return await self._request("POST", path, user, body)

    async def client_ids(self, room: str, reader: str) -> set[tuple[str, str]]:
        """Sender and client id of each of the room's messages; `reader` must be a member."""
        found: set[tuple[str, str]] = set()
        after, more = 0, True
        while more:
            path = f"/v1/rooms/{room}/messages?after_seq={after}&limit=200"
            page = await self._request("GET", path, reader)
            found |= {(message["by"], message["client_id"]) for message in page["messages"]}
            more = page["has_more"]
            after = page["messages"][-1]["seq"] if page["messages"] else after
        return found

    async def _request(
        self, method: str, path: str, user: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        started, pause = time.monotonic(), 0.05
        while True:
            again = 0.0
            try:
                status, answer, again = await self._once(method, path, user, body)
                if status in (200, 201):
                    return answer
                if status != 202 and status < 500 and status not in _RETRY_STATUSES:
                    code, detail = answer.get("code", "unknown"), answer.get("detail", "")
                    raise Refused(status, code, detail)
                reason = f"status {status}"
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
            if time.monotonic() - started > self._retry_seconds:
                raise Unreachable(
                    f"{self._url} gives no answer in {self._retry_seconds:.0f} s: {reason}"
                )
            await asyncio.sleep(max(pause, again))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _once(
        self, method: str, path: str, user: str, body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any], float]:
        """Status and answer, and the seconds after which the edge wants to be asked again."""
        assert self._session is not None, "use it as a context manager"
        headers = {"Authorization": f"Bearer {self._token(user)}"}
        async with self._session.request(
            method, self._url + path, json=body, headers=headers
        ) as answer:
            content = await read_answer(answer, _LARGEST_ANSWER)
            given = answer.headers.get("Retry-After", "")
            again = min(float(given), _LONGEST_WAIT) if given.isdigit() else 0.0
        try:
            return answer.status, msgspec.json.decode(content, type=dict[str, Any]), again
        except (ValueError, RecursionError):
            return answer.status, {"detail": content[:200].decode("utf-8", "replace")}, again

    def _token(self, user: str) -> str:
        if user not in self._tokens:
            self._tokens[user] = mint(self._settings, user, admin=True)
        return self._tokens[user]
