"""The demo room of a new installation, created through the edge like any other room."""

from __future__ import annotations

from urllib.parse import urlencode

import aiohttp

from app.errors import ParleyError
from app.runtime.addresses import local_url
from app.runtime.dev_tokens import mint
from app.runtime.http_answer import read_answer
from app.settings import Settings

ROOM = "lobby"
PEOPLE = ("ann", "ben")

#: Statuses of a request that is done, and of one to be repeated.
_DONE = frozenset({200, 201, 409})
_RETRY = frozenset({202, 429, 500, 502, 503, 504})
#: Bytes of an edge's answer at most.
_LARGEST_ANSWER = 64 * 1024


def address(settings: Settings) -> str:
    """The edge's URL for a browser on this machine."""
    return local_url(settings.host, settings.port)


def link(settings: Settings, user: str) -> str:
    """The URL of the chat page for `user`; its token is in the fragment, which no server sees."""
    fragment = urlencode({"room": ROOM, "token": mint(settings, user)})
    return f"{address(settings)}/#{fragment}"


async def edge_is_ready(settings: Settings) -> bool:
    """Whether the edge answers `/readyz` with 200."""
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
    """Create the room and its members, unless they exist; false: call again.

    The requests take the whole way through the pipeline, so true means that the worker works.
    Raises `ParleyError` where the edge refuses one.
    """
    owner, *others = PEOPLE
    headers = {"Authorization": f"Bearer {mint(settings, owner)}", "Prefer": "wait=5"}
    rooms = f"{address(settings)}/v1/rooms"
    requests = [(rooms, {"room": ROOM, "name": "Lobby", "type": "public"})]
    requests += [(f"{rooms}/{ROOM}/members", {"user": user}) for user in others]
    timeout = aiohttp.ClientTimeout(total=15)
    try:
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            for url, body in requests:
                # Each needs the one before it.
                if not await _done(session, url, body):
                    return False
            return True
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


async def _done(session: aiohttp.ClientSession, url: str, body: dict[str, str]) -> bool:
    async with session.post(url, json=body) as answer:
        if answer.status in _DONE:
            return True
        if answer.status in _RETRY:
            return False
        said = (await read_answer(answer, _LARGEST_ANSWER)).decode("utf-8", "replace")
        raise ParleyError(f"the edge refused {body}: {answer.status} {said}")
