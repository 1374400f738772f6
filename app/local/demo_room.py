"""The room that a new installation opens with, made through the edge like any other."""

from __future__ import annotations

from urllib.parse import urlencode

import aiohttp

from app.errors import ParleyError
from app.runtime.dev_tokens import mint
from app.settings import Settings

ROOM = "lobby"
PEOPLE = ("ann", "ben")

#: It is there; or it is on its way (202, 5xx), so ask again.
_DONE = frozenset({200, 201, 409})
_AGAIN = frozenset({202, 429, 500, 502, 503, 504})


def address(settings: Settings) -> str:
    """The edge's address as a browser on this machine opens it."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::", ""} else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def link(settings: Settings, user: str) -> str:
    """The chat page as `user`; the token stands in the fragment, which no server ever sees."""
    fragment = urlencode({"room": ROOM, "token": mint(settings, user)})
    return f"{address(settings)}/#{fragment}"


async def edge_is_ready(settings: Settings) -> bool:
    """Whether the edge answers `/readyz` with 200 now."""
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{address(settings)}/readyz") as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


async def lobby_is_open(settings: Settings) -> bool:
    """Make the room and its members where they are not there; False: ask again.

    It goes all the way through the pipeline, so a True says that the worker works. Raises
    `ParleyError` where the edge refuses.
    """
    owner, *others = PEOPLE
    headers = {"Authorization": f"Bearer {mint(settings, owner)}", "Prefer": "wait=5"}
    rooms = f"{address(settings)}/v1/rooms"
    wishes = [(rooms, {"room": ROOM, "name": "Lobby"})]
    wishes += [(f"{rooms}/{ROOM}/members", {"user": user}) for user in others]
    timeout = aiohttp.ClientTimeout(total=15)
    try:
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            return all([await _done(session, url, body) for url, body in wishes])
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


async def _done(session: aiohttp.ClientSession, url: str, body: dict[str, str]) -> bool:
    async with session.post(url, json=body) as answer:
        if answer.status in _DONE:
            return True
        if answer.status in _AGAIN:
            return False
        raise ParleyError(f"the edge refused {body}: {answer.status} {await answer.text()}")
