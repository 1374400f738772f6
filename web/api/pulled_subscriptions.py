"""Subscriptions that are pulled: a service reads their events itself, and acknowledges them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from app.errors import Malformed
from app.events import Subscription
from app.subscriptions.pull_cursor import PullCursor, decode_cursor
from app.subscriptions.pull_reader import PulledEvent, PullReader
from app.subscriptions.pull_readers import AWAY, TooManyReaders
from web.api.callers import authenticate_admin
from web.api.services import DRAINING, PULL_READERS, SETTINGS, SUBSCRIPTIONS
from web.description.operation import Caller, Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.query_parameters import NumberOrDefault, Word
from web.http.request_body import read_body

_ONE: Final = "/v1/subscriptions/{subscription}"

#: Seconds for which a poll waits at most.
_LONGEST: Final = 60

_LIMIT: Final = NumberOrDefault("limit", "The most events of the answer.", 0, 1_000, 100)
_WAIT: Final = NumberOrDefault("wait", "Seconds to wait for an event.", 0, _LONGEST, 25)
_READER: Final = Word("reader", "The reader's name; readers of one subscription share its events.")

#: The most characters of a reader's name, and cursors of a request.
_NAME: Final = 64
_CURSORS: Final = 1_000

#: Seconds after which a stream ends, so that its token is looked at again.
_STREAM: Final = 3600.0

_EVENT_STREAM: Final = "text/event-stream"
_PING: Final = b"event: ping\ndata: {}\n\n"


class Acknowledged(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/subscriptions/{subscription}/ack`: the last events that are done."""

    cursors: tuple[str, ...]


class PulledEventShown(msgspec.Struct):
    """An event of a subscription, as webhooks get it, with the cursor that acknowledges it."""

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]
    cursor: str


class Pulled(msgspec.Struct):
    """Events that were not acknowledged; a subscription that is `paused` has none, and says why."""

    events: list[PulledEventShown]
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    why: str | msgspec.UnsetType = msgspec.UNSET


class AcknowledgedCount(msgspec.Struct):
    """The number of cursors that count."""

    acknowledged: int


@described(
    Operation(
        {200: Pulled},
        caller=Caller.ADMIN,
        query=(_READER, _LIMIT, _WAIT),
        events={"*": PulledEventShown, "ping": dict[str, Any]},
        codes=("too_many_polls",),
    )
)
async def read(request: web.Request) -> web.StreamResponse:
    """`GET /v1/subscriptions/{subscription}/events`: pull, by long-poll or Server-Sent Events."""
    await authenticate_admin(request)
    known = _pulled(request)
    name = request.query.get(_READER.name, "default")
    if not 0 < len(name) <= _NAME or not name.isprintable():
        raise Problem("parameter", f"a reader has 1 to {_NAME} characters", parameter="reader")
    limit, seconds = _LIMIT.of(request.query), _WAIT.of(request.query)
    if known.paused:
        return json({"events": [], "paused": True, "why": known.why})
    try:
        reader = await request.app[PULL_READERS].reader(known, name)
        if _EVENT_STREAM in request.headers.get(hdrs.ACCEPT, ""):
            return await _stream(request, reader)
        events = await reader.events(limit, seconds)
    except TooManyReaders as error:
        raise Problem("too_many_polls", str(error)) from None
    except AWAY as error:
        raise Problem("unreachable", f"a part does not answer: {error!r}") from error
    body = b'{"events":[' + b",".join(event.body() for event in events) + b"]}"
    return web.Response(body=body, content_type="application/json")


@described(
    Operation(
        {200: AcknowledgedCount},
        caller=Caller.ADMIN,
        body=Acknowledged,
        example={"cursors": ["log-3-1204"]},
    )
)
async def acknowledge(request: web.Request) -> web.Response:
    """`POST /v1/subscriptions/{subscription}/ack`: acknowledge events, which do not come again."""
    await authenticate_admin(request)
    known = _pulled(request)
    body = await _body(request)
    try:
        await request.app[PULL_READERS].acknowledge(known, body)
    except Malformed as error:
        raise Problem("field_value", str(error), field="cursors") from None
    except AWAY as error:
        raise Problem("unreachable", f"Kafka does not answer: {error!r}") from error
    return json({"acknowledged": len(body)})


async def _body(request: web.Request) -> Sequence[PullCursor]:
    given = (await read_body(request, Acknowledged)).cursors
    if not 0 < len(given) <= _CURSORS:
        raise Problem("field_value", f"1 to {_CURSORS} cursors", field="cursors")
    try:
        return [decode_cursor(one, request.app[SETTINGS].partitions) for one in given]
    except Malformed as error:
        raise Problem("field_value", str(error), field="cursors") from None


async def _stream(request: web.Request, reader: PullReader) -> web.StreamResponse:
    headers = {
        hdrs.CONTENT_TYPE: f"{_EVENT_STREAM}; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-store, no-transform",
        "X-Accel-Buffering": "no",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    settings, draining = request.app[SETTINGS], request.app[DRAINING]
    await response.write(f"retry: {settings.retry_ms}\n\n".encode())
    ends = time.monotonic() + _STREAM
    while time.monotonic() < ends and not draining.is_set():
        try:
            events = await reader.events(_LIMIT.default, min(settings.ping, _LONGEST))
        except AWAY:
            break  # the client connects again, and the edge says why
        if request.app[SUBSCRIPTIONS].all.get(reader.subscription.id) != reader.subscription:
            break
        blocks = b"".join(map(_block, events)) if events else _PING
        await response.write(blocks)
    return response


def _block(one: PulledEvent) -> bytes:
    return b"event: %b\ndata: %b\nid: %b\n\n" % (
        one.event.kind.encode(),
        one.body(),
        one.cursor.encode(),
    )


def _pulled(request: web.Request) -> Subscription:
    known = request.app[SUBSCRIPTIONS].all.get(request.match_info["subscription"])
    if known is None:
        raise Problem("subscription_unknown", "there is no subscription of this id")
    if known.url:
        raise Problem("subscription_unknown", f"its events are sent to {known.url}")
    return known


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get(_ONE + "/events", read, allow_head=False)
    app.router.add_post(_ONE + "/ack", acknowledge)
