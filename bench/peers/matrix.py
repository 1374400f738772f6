"""As much of Matrix's client API as the comparison needs."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable
from typing import Any, Self

import aiohttp
import orjson

from app.errors import ParleyError

_MESSAGE = re.compile(rb'"body":"(\d+) (\d+)"')
_NEXT = re.compile(rb'"next_batch":"([^"]+)"')
_NOTHING: dict[str, Any] = {"types": []}
#: A reader's filter: messages alone. A hundred at once is the most that Synapse gives.
_FILTER = orjson.dumps(
    {
        "room": {
            "timeline": {"limit": 100},
            "state": _NOTHING,
            "ephemeral": _NOTHING,
            "account_data": _NOTHING,
        },
        "presence": _NOTHING,
        "account_data": _NOTHING,
    }
).decode()


class Matrix:
    """Requests to a homeserver at `url`."""

    def __init__(self, url: str, secret: str) -> None:
        self._secret = secret.encode()
        self._session = aiohttp.ClientSession(
            url, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(60)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def answers(self) -> bool:
        """Whether the server is up."""
        try:
            async with self._session.get("/_matrix/client/versions") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def register(self, user: str) -> str:
        """Make an account by the shared secret; its token."""
        path = "/_synapse/admin/v1/register"
        nonce = (await self.call("GET", path))["nonce"]
        said = "\0".join([nonce, user, "password", "notadmin"])
        mac = hmac.new(self._secret, said.encode(), "sha1").hexdigest()
        wish = {"nonce": nonce, "username": user, "password": "password", "mac": mac}
        return str((await self.call("POST", path, body=wish))["access_token"])

    async def call(
        self, method: str, path: str, token: str = "", body: dict[str, Any] | None = None
    ) -> Any:
        """The answer's JSON; raises `ParleyError` for any but 200."""
        return orjson.loads(await self._ask(method, path, token, data=orjson.dumps(body or {})))

    async def listen(self, token: str, since: str, heard: Callable[[int, int], None]) -> None:
        """Read live by long-poll, for ever."""
        while True:
            data = await self._sync(token, timeout="20000", since=since)
            now = time.monotonic_ns()
            for index, sent in _MESSAGE.findall(data):
                heard(int(index), now - int(sent))
            since = _next(data)

    async def now(self, token: str) -> str:
        """Where reading live begins."""
        return _next(await self._sync(token, timeout="0"))

    async def _sync(self, token: str, **params: str) -> bytes:
        params |= {"filter": _FILTER, "set_presence": "offline"}
        return await self._ask("GET", "/_matrix/client/v3/sync", token, params=params)

    async def _ask(self, method: str, path: str, token: str, **more: Any) -> bytes:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._session.request(method, path, headers=headers, **more) as answer:
                data = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ParleyError(f"the homeserver is away: {error!r}") from error
        if answer.status != 200:
            raise ParleyError(f"{method} {path}: {answer.status} {data[:200]!r}")
        return data


def _next(data: bytes) -> str:
    found = _NEXT.search(data)
    if found is None:
        raise ParleyError(f"no next_batch: {data[:200]!r}")
    return found[1].decode()
