"""What an operator sees and does: for admins, by the page `/operator` and by programs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import islice
from typing import Any, Final

import msgspec
from aiohttp import web

from web.api.callers import authenticate_admin
from web.api.services import AUTHENTICATOR, DRAINING, OPERATOR_FEED, PRESENCES
from web.api.stream_states import Goodbye
from web.auth.token_cache import Identity
from web.description.operation import Caller, Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.query_parameters import WholeNumber, Word, page_size
from web.http.request_body import read_body
from web.operator.operator_feed import FRESH, row_of
from web.operator.snapshot import DeadLetterRow, OperatorSnapshot

_LIMIT: Final = page_size(100, 1_000)
_AFTER: Final = Word("after", "The dead letters behind the page that has said so.")
_COUNT: Final = WholeNumber("count", "The snapshots after which the stream ends.", 1, 1_000_000)

#: Streams of snapshots that an edge serves.
_READERS: Final = 100

#: Dead letters that one request sends again.
_MOST: Final = 100

_encode = msgspec.json.Encoder().encode


class UserStreams(msgspec.Struct):
    """A user's open streams by edge, and when the last one closed; 0: none ever did."""

    user: str
    streams: dict[str, int]
    last_seen_ms: int


class DeadLettersPage(msgspec.Struct):
    """Dead letters, the newest first; `after` is for the next page."""

    dead_letters: list[DeadLetterRow]
    after: str | msgspec.UnsetType = msgspec.UNSET


class DeadLetterNames(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/operator/dead-letters/send-again`: the names, 100 at most."""

    names: list[str]


class DeadLettersSent(msgspec.Struct):
    """How many were sent again, and why others were not."""

    sent: int
    reasons: list[str]


@described(Operation({200: OperatorSnapshot}, caller=Caller.ADMIN))
async def snapshot(request: web.Request) -> web.Response:
    """`GET /v1/operator`: edges, consumer groups, dead letters, rules and the deployment.

    A snapshot that is a second old at most. `away` names the parts that did not answer.
    """
    await authenticate_admin(request)
    feed = request.app[OPERATOR_FEED]
    async with feed.reading():
        text = await feed.snapshot()
    return web.Response(body=text, content_type="application/json")


@described(
    Operation(
        {200: None},
        caller=Caller.ADMIN,
        query=(_COUNT,),
        events={"snapshot": OperatorSnapshot, "goodbye": Goodbye},
        codes=("too_many_polls",),
    )
)
async def events(request: web.Request) -> web.StreamResponse:
    """`GET /v1/operator/events`: a snapshot each second, by Server-Sent Events.

    Ends with a `goodbye` when the token ends or is taken back, and when the edge stops.
    """
    identity = await authenticate_admin(request)
    left = _COUNT.of(request.query)
    feed = request.app[OPERATOR_FEED]
    if feed.readers >= _READERS:
        raise Problem("too_many_polls", f"{_READERS} operators read at this edge already")
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store, no-transform",
            "X-Accel-Buffering": "no",
        }
    )
    async with feed.reading():
        text = await feed.snapshot()
        await response.prepare(request)
        while True:
            if (goodbye := _goodbye(request.app, identity)) is not None:
                await response.write(b"event: goodbye\ndata: " + _encode(goodbye) + b"\n\n")
                break
            await response.write(b"event: snapshot\ndata: " + text + b"\n\n")
            left = None if left is None else left - 1
            if left == 0:
                break
            await asyncio.sleep(FRESH)
            text = await feed.snapshot()
    await response.write_eof()
    return response


def _goodbye(app: web.Application, identity: Identity) -> Goodbye | None:
    """Why the stream of a caller ends now; `None`: it goes on."""
    if app[DRAINING].is_set():
        return Goodbye("restart", "This edge stops; please reconnect.")
    if time.time() > identity.expires_at:
        return Goodbye("token_expired", "the token has ended")
    problem = app[AUTHENTICATOR].shut_out(identity)
    return None if problem is None else Goodbye(problem.code, problem.detail)


@described(Operation({200: UserStreams}, caller=Caller.ADMIN))
async def user(request: web.Request) -> web.Response:
    """`GET /v1/operator/users/{user}`: the edges at which a user has open streams."""
    await authenticate_admin(request)
    name = request.match_info["user"]
    presences = request.app[PRESENCES]
    presence, _ = (await presences.of([name]))[name]
    alive = await presences.alive(presence.open.values())
    streams = Counter(edge for edge in presence.open.values() if edge in alive)
    return json({"user": name, "streams": streams, "last_seen_ms": presence.last_ms})


@described(Operation({200: DeadLettersPage}, caller=Caller.ADMIN, query=(_LIMIT, _AFTER)))
async def dead_letters(request: web.Request) -> web.Response:
    """`GET /v1/operator/dead-letters?limit=&after=`: those that stand, the newest first."""
    await authenticate_admin(request)
    limit, after = _LIMIT.of(request.query), _AFTER.of(request.query)
    feed = request.app[OPERATOR_FEED]
    async with feed.reading():
        listed = iter(await feed.dead_letters())
    if after and not any(one.name == after for one in listed):
        raise Problem("parameter", "no dead letter has this name now", parameter="after")
    found = list(islice(listed, limit + 1))
    body: dict[str, Any] = {"dead_letters": [row_of(one) for one in found[:limit]]}
    if len(found) > limit:
        body["after"] = found[limit - 1].name
    return json(body)


@described(
    Operation(
        {200: DeadLettersSent},
        caller=Caller.ADMIN,
        body=DeadLetterNames,
        example={"names": ["chat.raw/3/17@parley-pipeline"]},
    )
)
async def send_again(request: web.Request) -> web.Response:
    """`POST /v1/operator/dead-letters/send-again`: process them once more.

    A command goes through the pipeline from the start, and takes effect once however often it is
    sent. An event of `chat.log` goes only to the group that failed on it.
    """
    await authenticate_admin(request)
    body = await read_body(request, DeadLetterNames)
    if not 1 <= len(body.names) <= _MOST:
        raise Problem("field_value", f"give 1 to {_MOST} names", field="names")
    feed = request.app[OPERATOR_FEED]
    async with feed.reading():
        sent, reasons = await feed.send_again(list(dict.fromkeys(body.names)))
    return json({"sent": sent, "reasons": reasons})


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get("/v1/operator", snapshot)
    app.router.add_get("/v1/operator/events", events, allow_head=False)
    app.router.add_get("/v1/operator/users/{user}", user)
    app.router.add_get("/v1/operator/dead-letters", dead_letters)
    app.router.add_post("/v1/operator/dead-letters/send-again", send_again)
