"""`GET /v1/rooms/{room}/messages`: paging through the history of a room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from aiohttp import web

from app.domain import pages
from app.domain.shadow import shown_to
from app.events import MessageCreated, decode_log
from web.api.callers import authenticate
from web.api.room_access import required_head
from web.api.services import HISTORY, SETTINGS, VIEW
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_params import integer, room_id

_LIMIT: Final = 50
_LARGEST: Final = 200

#: Messages at the end of a room that may have been edited or deleted a moment ago.
_RECENT: Final = 50


async def page(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/messages`: messages by `seq`, ascending, as they are now.

    `before_seq`, `after_seq` and `limit` choose them; `has_more` says whether there are more in
    the direction of reading, which is down unless `after_seq` is given. `thread` chooses the
    replies to that message.
    """
    identity = await authenticate(request)
    room = room_id(request)
    before, after = integer(request, "before_seq"), integer(request, "after_seq")
    limit = integer(request, "limit", 1, _LARGEST) or _LIMIT
    thread = integer(request, "thread", 1)
    head = (await required_head(request, room, identity.user)).seq
    if thread is not None:
        asked = PageRequest(room, identity.user, before, after, limit)
        return await _thread(request, asked, thread)
    low = await request.app[HISTORY].kept_from(room)
    span = pages.wanted(head, before, after, limit)
    span = range(max(span.start, low), max(span.stop, low))
    messages = await read_messages(request, room, identity.user, span, head, after is not None)
    first, last = (min(messages), max(messages)) if messages else (span.start, span.start - 1)
    top = head if before is None else min(head, before - 1)
    more = last < top if after is not None else first > low
    links = _links(room, first, last, head, limit) if messages else None
    shown = [shown_to(identity.user, messages[seq]) for seq in sorted(messages)]
    return _answer(shown, more, links)


class PageRequest(NamedTuple):
    """The page that is asked for, and its reader."""

    room: str
    reader: str
    before: int | None
    after: int | None
    limit: int


async def _thread(request: web.Request, asked: PageRequest, thread: int) -> web.Response:
    found = await request.app[HISTORY].page(
        asked.room,
        thread=thread,
        before_seq=asked.before,
        after_seq=asked.after,
        limit=asked.limit + 1,
        reader=asked.reader,
    )
    more = len(found) > asked.limit
    if more:
        found = found[:-1] if asked.after is not None else found[1:]
    return _answer([shown_to(asked.reader, message) for message in found], more, None)


def _answer(messages: Sequence[bytes], more: bool, links: Mapping[str, str] | None) -> web.Response:
    return json({"messages": [msgspec.Raw(one) for one in messages], "has_more": more}, 200, links)


async def read_messages(
    request: web.Request, room: str, reader: str, span: range, head: int, upward: bool
) -> dict[int, bytes]:
    """The messages of `span`, from the history store; the newest from Valkey.

    The store is behind the log by a moment. So a few of the newest messages may be missing there,
    or not yet be edited or deleted.
    """
    if not span:
        return {}
    stored = _numbered(
        await request.app[HISTORY].page(
            room,
            before_seq=span.stop,
            after_seq=span.start - 1,
            limit=len(span),
            reader=reader,
        )
    )
    lacking = [seq for seq in span if seq not in stored]
    recent = lacking or span.stop > head - _RECENT
    newest = await _newest(request, room, lacking or [head], head) if recent else {}
    found = pages.filled(span, stored, newest, upward=upward)
    if not found:
        detail = "these messages are on their way into the history; try again"
        raise Problem("history_behind", detail, headers={"Retry-After": "1"})
    return {seq: _later(stored.get(seq), newest.get(seq)) for seq in found}


def _later(stored: StoredMessage | None, newest: StoredMessage | None) -> bytes:
    """The newer version: the store has the reactions, Valkey has edits and deletions first."""
    if stored is None or newest is None:
        one = stored or newest
        return one.raw if one is not None else b""
    behind = newest.message.deleted > stored.message.deleted
    behind |= newest.message.edited_ms > stored.message.edited_ms and not stored.message.deleted
    return newest.raw if behind else stored.raw


class StoredMessage(NamedTuple):
    """A message, decoded and as JSON."""

    message: MessageCreated
    raw: bytes


async def _newest(
    request: web.Request, room: str, lacking: list[int], head: int
) -> dict[int, StoredMessage]:
    """The newest messages in Valkey, as far back as the lacking ones."""
    window = request.app[SETTINGS].window
    newest: dict[int, StoredMessage] = {}
    # Other events stand between messages: a guess is nearly always enough, else the whole window.
    for count in (2 * (head - lacking[0] + 1) + 2 * _RECENT, window):
        newest = _numbered(await request.app[VIEW].newest(room, min(count, window)))
        if newest.keys() >= set(lacking):
            break
    return newest


def _numbered(events: Iterable[bytes]) -> dict[int, StoredMessage]:
    """The messages among log events, by their `seq`."""
    decoded = ((decode_log(event), event) for event in events)
    return {e.seq: StoredMessage(e, raw) for e, raw in decoded if isinstance(e, MessageCreated)}


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
    """Add the route of this resource."""
    app.router.add_get("/v1/rooms/{room}/messages", page)
