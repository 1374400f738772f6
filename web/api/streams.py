"""Streams and polls as aiohttp sees them: web/server/connection.py serves both itself."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from web.api.stream_states import Delivered, Goodbye, Hello, Ping, Poll
from web.description.operation import Caller, Operation, described
from web.http.problem import Problem
from web.http.query_parameters import Word
from web.http.stream_parameters import CURSOR_PARAMETERS, LAST_EVENT_ID, LIMIT, TIMEOUT

_CURSORS: Final = tuple(
    Word(name, f"The cursor to begin at, where there is no `{LAST_EVENT_ID}`.")
    for name in CURSOR_PARAMETERS
)
_CODES: Final = ("cursor_malformed", "cursor_foreign")


@described(
    Operation(
        {200: None},
        caller=Caller.TICKET,
        query=_CURSORS,
        events={"": Delivered, "hello": Hello, "ping": Ping, "goodbye": Goodbye},
        codes=_CODES,
        resumes=True,
    )
)
async def stream(_: web.Request) -> web.Response:
    """`GET /v1/stream`: read by Server-Sent Events, until one side ends them.

    Too many requests, and parts that do not answer, are a 200 with a `goodbye`, because an
    EventSource takes any other status as the end for good.
    """
    raise _spelled_otherwise()


@described(
    Operation(
        {200: Poll},
        caller=Caller.TICKET,
        query=(*_CURSORS, TIMEOUT, LIMIT),
        codes=(*_CODES, "too_many_polls"),
        resumes=True,
    )
)
async def poll(_: web.Request) -> web.Response:
    """`GET /v1/events`: read by long-poll: the answer comes with the next event.

    Without a cursor it comes at once, with the cursor of the present.
    """
    raise _spelled_otherwise()


def _spelled_otherwise() -> Problem:
    """The refusal of a target such as `/v1/%73tream`, or one with a host in it."""
    return Problem("bad_request", "spell the path as /v1/stream or /v1/events, without a host")


def add_routes(app: web.Application) -> None:
    """Add both paths: with another method than GET they are a 405, not unknown."""
    app.router.add_get("/v1/stream", stream, allow_head=False)
    app.router.add_get("/v1/events", poll, allow_head=False)
