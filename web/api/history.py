"""`GET /v1/rooms/{room}/messages`: paging through the history of a room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from aiohttp import web

from app.delivery.view import RoomHead
from app.domain import pages
from app.domain.answer_budget import fitting
from app.domain.shadow import shown_to
from app.domain.unarchived import with_changes
from app.events import MessageCreated, decode_log
from web.api.callers import authenticate
from web.api.room_access import required_head
from web.api.services import HISTORY, SETTINGS
from web.api.unarchived import Unarchived, unarchived
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.query_parameters import WholeNumber, page_size
from web.http.request_params import room_id

_LIMIT: Final = page_size(50, 200)
_BEFORE: Final = WholeNumber("before_seq", "Messages below this `seq`, the newest of them.")
_AFTER: Final = WholeNumber("after_seq", "Messages above this `seq`, the oldest of them.")
_THREAD: Final = WholeNumber("thread", "Replies in the thread of this message alone.", 1)


class MessagesPage(msgspec.Struct):
    """Messages as they are now, by ascending `seq`; `has_more`: further in the same direction."""

    messages: list[MessageCreated]
    has_more: bool


@described(
    Operation(
        {200: MessagesPage},
        query=(_BEFORE, _AFTER, _LIMIT, _THREAD),
        codes=("history_behind",),
        links=True,
    )
)
async def page(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/messages`: messages by `seq`, ascending, as they are now.

    `before_seq`, `after_seq` and `limit` choose them; `has_more` says whether there are more in
    the direction of reading, which is down unless `after_seq` is given. `thread` chooses the
    replies to that message.
    """
    identity = await authenticate(request)
    room = room_id(request)
    before, after = _BEFORE.of(request.query), _AFTER.of(request.query)
    limit, thread = _LIMIT.of(request.query), _THREAD.of(request.query)
    found = await required_head(request, room, identity.user)
    late = await unarchived(request, found)
    if thread is not None:
        asked = PageRequest(room, identity.user, before, after, limit)
        return await _thread(request, asked, thread, late)
    low, head = late.floor, found.seq
    span = pages.wanted(head, before, after, limit)
    span = range(max(span.start, low), max(span.stop, low))
    reading = Reading(found, identity.user, late)
    messages = await read_messages(request, reading, span, after is not None)
    messages = _fitting(request, messages, identity.user, upward=after is not None)
    first, last = (min(messages), max(messages)) if messages else (span.start, span.start - 1)
    top = head if before is None else min(head, before - 1)
    more = last < top if after is not None else first > low
    links = _links(room, first, last, head, limit) if messages else None
    return _answer([messages[seq] for seq in sorted(messages)], more, links)


def _fitting(
    request: web.Request, messages: Mapping[int, bytes], reader: str, *, upward: bool
) -> dict[int, bytes]:
    """The messages as the reader sees them: those nearest to where the page begins that fit."""
    seqs = sorted(messages, reverse=not upward)
    shown = [shown_to(reader, messages[seq]) for seq in seqs]
    fit = fitting(shown, request.app[SETTINGS].answer_bytes)
    return dict(zip(seqs, fit, strict=False))


class PageRequest(NamedTuple):
    """The page that is asked for, and its reader."""

    room: str
    reader: str
    before: int | None
    after: int | None
    limit: int


class Reading(NamedTuple):
    """A room as it is read: by whom, and what the store may lack of it."""

    head: RoomHead
    reader: str
    late: Unarchived


async def _thread(
    request: web.Request, asked: PageRequest, thread: int, late: Unarchived
) -> web.Response:
    stored = await request.app[HISTORY].page(
        asked.room,
        thread=thread,
        before_seq=asked.before,
        after_seq=asked.after,
        limit=asked.limit + 1,
        reader=asked.reader,
    )
    low = max(late.floor, 0 if asked.after is None else asked.after + 1)

    def wanted(message: MessageCreated) -> bool:
        below = asked.before is None or message.seq < asked.before
        return message.thread == thread and message.seq >= low and below

    found = with_changes(_by_seq(stored), late.events, wanted)
    # Of the store's messages and the new ones, those nearest to where the reader begins.
    upward = asked.after is not None
    seqs = sorted(found)[: asked.limit + 1] if upward else sorted(found)[-asked.limit - 1 :]
    more = len(seqs) > asked.limit
    if more:
        seqs = seqs[:-1] if upward else seqs[1:]
    page = {seq: found[seq] for seq in seqs}
    fit = _fitting(request, page, asked.reader, upward=upward)
    return _answer([fit[seq] for seq in sorted(fit)], more or len(fit) < len(page), None)


def _answer(messages: Sequence[bytes], more: bool, links: Mapping[str, str] | None) -> web.Response:
    return json({"messages": [msgspec.Raw(one) for one in messages], "has_more": more}, 200, links)


async def read_messages(
    request: web.Request, reading: Reading, span: range, upward: bool
) -> dict[int, bytes]:
    """The messages of `span` as they are now, from the end at which the reader begins."""
    if not span:
        return {}
    stored = await request.app[HISTORY].page(
        reading.head.room,
        before_seq=span.stop,
        after_seq=span.start - 1,
        limit=len(span),
        reader=reading.reader,
    )
    messages = with_changes(_by_seq(stored), reading.late.events, lambda one: one.seq in span)
    found = pages.filled(span, messages, upward=upward)
    if not found:
        detail = "these messages are on their way into the history; try again"
        raise Problem("history_behind", detail)
    return {seq: messages[seq] for seq in found}


async def message_as_now(request: web.Request, room: str, seq: int, user: str) -> MessageCreated:
    """A message of a room of the user's, as it is now.

    Raises `Problem` 404 `message_unknown`, 410 `message_gone`, and as `required_head`.
    """
    head = await required_head(request, room, user)
    if seq > head.seq:
        raise Problem("message_unknown", "there is no such message")
    late = await unarchived(request, head)
    if seq < late.floor:
        raise Problem("message_gone", "the message was dropped by its age")
    found = await read_messages(
        request, Reading(head, user, late), range(seq, seq + 1), upward=False
    )
    message = decode_log(shown_to(user, found[seq])) if seq in found else None
    if not isinstance(message, MessageCreated):
        raise Problem("message_unknown", "there is no such message")
    if message.deleted:
        raise Problem("message_gone", "the message was deleted")
    return message


def _by_seq(events: Sequence[bytes]) -> dict[int, bytes]:
    """Messages by their `seq`."""
    decoded = ((decode_log(event), event) for event in events)
    return {e.seq: raw for e, raw in decoded if isinstance(e, MessageCreated)}


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
