"""`GET /v1/search`: messages of the caller's rooms by a part of their text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web

from app.domain.answer_budget import fitting
from app.domain.replaced_text import replacing
from app.domain.unarchived import with_changes
from app.events import MessageCreated, MessageEdited, decode_log
from app.history.fold import fold
from app.history.search import Found, Place
from web.api.callers import authenticate
from web.api.room_access import required_head
from web.api.services import HISTORY, SETTINGS, VIEW
from web.api.unarchived import unarchived_of_all
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.query_parameters import PagePosition, Phrase, Word, page_size

_POSITION: Final = re.compile(r"(\d{1,18})\.(\d{1,18})\.([A-Za-z0-9._~-]{1,64})", re.ASCII)
_QUERY: Final = Phrase("q", "A part of the text of the messages.", 200)
_ROOM: Final = Word("room", "In this room alone.")
_LIMIT: Final = page_size(20, 100)
_BEFORE: Final = PagePosition("before", "The messages before the page that has said so.", _POSITION)


#: The events that the store may lack, by room.
Late = Mapping[str, Sequence[bytes]]


class FoundMessage(msgspec.Struct):
    """A message that was found, as it is now."""

    room: str
    seq: int
    message: MessageCreated


class ResultsPage(msgspec.Struct):
    """Messages, the newest first; `before` is for the next page."""

    results: list[FoundMessage]
    has_more: bool
    before: str | msgspec.UnsetType = msgspec.UNSET


@described(
    Operation(
        {200: ResultsPage},
        query=(_QUERY, _ROOM, _LIMIT, _BEFORE),
        codes=("room_unknown", "history_behind"),
    )
)
async def search(request: web.Request) -> web.Response:
    """Find `q` in the caller's rooms, or in `room`; newest first, `before` pages on."""
    identity = await authenticate(request)
    query, room = _QUERY.of(request.query), _ROOM.of(request.query)
    limit = _LIMIT.of(request.query)
    before = _before(request)
    if room:
        await required_head(request, room, identity.user)
        rooms = [room]
    else:
        rooms = list(await request.app[VIEW].rooms_of(identity.user))
    late = await unarchived_of_all(request, rooms)
    stored = await request.app[HISTORY].search(query, rooms, before=before, limit=limit + 1)
    # The next page begins below the last message of this one, or below what this one looked at.
    lowest = stored[-1].place if len(stored) > limit else None
    found = list(stored)
    if late:
        search = Search(query, before, lowest)
        found = search.page([*stored, *await _edited(request, search, late, stored)], late)
    fit = fitting([one.event for one in found[:limit]], request.app[SETTINGS].answer_bytes)
    full = len(fit) < min(limit, len(found))
    page = found[: len(fit)]
    more = full or len(found) > limit or lowest is not None
    body: dict[str, Any] = {"results": [_shown(one) for one in page], "has_more": more}
    last = page[-1].place if page and (full or len(found) > limit or lowest is None) else lowest
    return json(body if last is None else body | {"before": _written(last)})


class Search(NamedTuple):
    """A page of a search: only messages below `before` and not below `lowest` are on it."""

    query: str
    before: Place | None
    lowest: Place | None

    def has(self, text: str) -> bool:
        """Whether the text has what is searched for."""
        return fold(self.query.strip()).strip() in fold(text)

    def finds(self, one: Found) -> bool:
        """Whether the message belongs to this page."""
        message = decode_log(one.event)
        return (
            (self.before is None or one.place < self.before)
            and (self.lowest is None or one.place >= self.lowest)
            and isinstance(message, MessageCreated)
            and not message.deleted
            and self.has(message.text)
        )

    def page(self, stored: Sequence[Found], late: Late) -> list[Found]:
        """What is found after the events that the store does not have yet, newest first."""
        found = [one for one in stored if one.room not in late]
        for room, events in late.items():
            known = {one.seq: one.event for one in stored if one.room == room}
            changed = with_changes(known, events, lambda _: True)
            found += [one for raw in changed.values() if self.finds(one := _found(raw))]
        return sorted(found, key=lambda one: one.place, reverse=True)


async def _edited(
    request: web.Request, search: Search, late: Late, stored: Sequence[Found]
) -> list[Found]:
    """Stored messages that only an edit which is not stored yet lets the search find."""
    known = {(one.room, one.seq) for one in stored}
    edits = {
        (edit.room, edit.seq)
        for events in late.values()
        for raw in events
        if isinstance(edit := replacing(raw), MessageEdited) and search.has(edit.text)
    }
    found: list[Found] = []
    for room, seq in edits - known:
        page = await request.app[HISTORY].page(room, after_seq=seq - 1, before_seq=seq + 1, limit=1)
        found += [_found(raw) for raw in page]
    return found


def _found(raw: bytes) -> Found:
    message = decode_log(raw)
    assert isinstance(message, MessageCreated)
    return Found(message.at_ms, message.room, message.seq, raw)


def _shown(found: Found) -> dict[str, object]:
    _, room, seq = found.place
    return {"room": room, "seq": seq, "message": msgspec.Raw(found.event)}


def _before(request: web.Request) -> Place | None:
    parts = _BEFORE.of(request.query)
    return None if parts is None else (int(parts[0]), parts[2], int(parts[1]))


def _written(place: Place) -> str:
    at_ms, room, seq = place
    return f"{at_ms}.{seq}.{room}"


def add_routes(app: web.Application) -> None:
    """Add the route of this resource."""
    app.router.add_get("/v1/search", search)
