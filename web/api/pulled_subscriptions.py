"""Subscriptions that are pulled: a service reads their events itself, and acknowledges them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import hdrs, web

from app.errors import Malformed
from app.events import Subscription
from app.subscriptions.pull_cursor import PullCursor, decode_cursor
from app.subscriptions.pull_reader import PulledEvent, PullReader
from app.subscriptions.pull_readers import AWAY, TooManyReaders
from web.api.callers import authenticate_admin
from web.api.services import DRAINING, PULL_READERS, SETTINGS, SUBSCRIPTIONS
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import read_body

_ONE: Final = "/v1/subscriptions/{subscription}"

#: Events of an answer, and seconds for which a poll waits: by default, and at most.
_LIMIT: Final = 100
_MOST: Final = 1_000
_WAIT: Final = 25.0
_LONGEST: Final = 60.0

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


async def read(request: web.Request) -> web.StreamResponse:
    """`GET /v1/subscriptions/{subscription}/events`: by long-poll, or by Server-Sent Events."""
    await authenticate_admin(request)
    known = _pulled(request)
    name = request.query.get("reader", "default")
    if not 0 < len(name) <= _NAME or not name.isprintable():
        raise Problem("parameter", f"a reader has 1 to {_NAME} characters", parameter="reader")
    limit = int(_number(request, "limit", _LIMIT, _MOST))
    seconds = _number(request, "wait", _WAIT, _LONGEST)
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


async def acknowledge(request: web.Request) -> web.Response:
    """`POST /v1/subscriptions/{subscription}/ack`: events up to these do not come again."""
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
            events = await reader.events(_LIMIT, min(settings.ping, _LONGEST))
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


def _number(request: web.Request, name: str, default: float, most: float) -> float:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or not 0 <= int(text[:9]) <= most:
        raise Problem("parameter", f"{name} is a number up to {most:g}", parameter=name)
    return float(text)


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get(_ONE + "/events", read, allow_head=False)
    app.router.add_post(_ONE + "/ack", acknowledge)
