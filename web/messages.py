"""Sending messages and paging through a room's history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiohttp import web

from app.events import MessageCreated, SendMessage, decode_log
from app.rules import pages, wellformed
from web.auth import authenticate
from web.bodies import read_body
from web.keys import HISTORY, SETTINGS, VIEW
from web.membership import required_head
from web.parameters import integer, room_id
from web.problems import Problem
from web.submit import submit
from web.uploads import NewAttachment, attached
from web.wish import wish

_LIMIT: Final = 50
_LARGEST: Final = 200


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms/{room}/messages`."""

    text: str = ""
    client_id: str | None = None
    reply_to: int = 0
    thread: int = 0
    attachments: list[NewAttachment] = []
    meta: dict[str, Any] = {}


async def send(request: web.Request) -> web.Response:
    """`POST /v1/rooms/{room}/messages`: say something."""
    await authenticate(request)
    room = room_id(request)
    body = await read_body(request, NewMessage)
    attachments = attached(request.app[SETTINGS], room, body.attachments)
    if wrong := wellformed.attachments(attachments):
        raise Problem(400, "field_value", wrong, field="attachments")
    if wrong := wellformed.meta(body.meta):
        raise Problem(400, "field_value", wrong, field="meta")
    command = SendMessage(
        **await wish(request, room, body.client_id),
        text=body.text,
        reply_to=body.reply_to,
        thread=body.thread,
        attachments=attachments,
        meta=body.meta,
    )
    return await submit(request, command)


async def page(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/messages`: messages by `seq`, ascending, as they are in the log.

    `before_seq`, `after_seq` and `limit` choose them; `has_more` says whether there are more in
    the direction of reading, which is down unless `after_seq` is given.
    """
    identity = await authenticate(request)
    room = room_id(request)
    before, after = integer(request, "before_seq"), integer(request, "after_seq")
    limit = integer(request, "limit", 1, _LARGEST) or _LIMIT
    head = (await required_head(request, room, identity.user)).seq
    span = pages.wanted(head, before, after, limit)
    messages = await _messages(request, room, span, head, upward=after is not None)
    first, last = (min(messages), max(messages)) if messages else (span.start, span.start - 1)
    top = head if before is None else min(head, before - 1)
    more = last < top if after is not None else first > 1
    body = b",".join(messages[seq] for seq in sorted(messages))
    return web.Response(
        body=b'{"messages":[' + body + b'],"has_more":' + (b"true" if more else b"false") + b"}",
        content_type="application/json",
        headers=_links(room, first, last, head, limit) if messages else None,
    )


async def _messages(
    request: web.Request, room: str, span: range, head: int, *, upward: bool
) -> dict[int, bytes]:
    """The messages of `span`: from the history store, and what it lacks yet from Valkey.

    Both hold the same bytes. The store is behind the log by a moment, so as a rule nothing or a
    few of the newest are lacking.
    """
    if not span:
        return {}
    stored = _numbered(
        await request.app[HISTORY].page(
            room, before_seq=span.stop, after_seq=span.start - 1, limit=len(span)
        )
    )
    lacking = [seq for seq in span if seq not in stored]
    newest = await _newest(request, room, lacking, head) if lacking else {}
    found = pages.filled(span, stored, newest, upward=upward)
    if not found:
        detail = "these messages are on their way into the history; try again"
        raise Problem(503, "history_behind", detail, headers={"Retry-After": "1"})
    both = newest | stored
    return {seq: both[seq] for seq in found}


async def _newest(
    request: web.Request, room: str, lacking: list[int], head: int
) -> dict[int, bytes]:
    """The newest messages in Valkey, as far back as needed for those that are lacking."""
    window = request.app[SETTINGS].window
    newest: dict[int, bytes] = {}
    # Other events stand between the messages: a guess that is nearly always enough, then all.
    for count in (2 * (head - lacking[0] + 1) + 16, window):
        newest = _numbered(await request.app[VIEW].newest(room, min(count, window)))
        if newest.keys() >= set(lacking):
            break
    return newest


def _numbered(events: Iterable[bytes]) -> dict[int, bytes]:
    """The messages among log events, by their `seq`."""
    decoded = ((decode_log(event), event) for event in events)
    return {event.seq: raw for event, raw in decoded if isinstance(event, MessageCreated)}


def _links(room: str, first: int, last: int, head: int, limit: int) -> dict[str, str]:
    """The `Link` header: `prev` to what is older, `next` to what is newer."""
    path = f"/v1/rooms/{room}/messages"
    links = []
    if first > 1:
        links.append(f'<{path}?before_seq={first}&limit={limit}>; rel="prev"')
    if last < head:
        links.append(f'<{path}?after_seq={last}&limit={limit}>; rel="next"')
    return {"Link": ", ".join(links)} if links else {}


def add_routes(app: web.Application) -> None:
    """The paths of this file."""
    app.router.add_post("/v1/rooms/{room}/messages", send)
    app.router.add_get("/v1/rooms/{room}/messages", page)
