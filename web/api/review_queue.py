"""The review queue and the moderation log, for moderators."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec
import orjson
from aiohttp import web

from app.domain import wellformed
from app.domain.review import ACTIONS, Decision, Item, Report, may_see
from app.domain.shown_text import composed
from app.events import (
    AnyAct,
    ApproveMessage,
    Attachment,
    HideMessage,
    Reported,
    Reviewed,
    Ruling,
    SendMessage,
    Verdict,
)
from app.history.review import Place
from app.runtime.clock import now_ms
from web.api.callers import authenticate
from web.api.room_access import moderated
from web.api.services import AUDIT_LOG, COMMANDS, HISTORY, VIEW
from web.auth.token_cache import Identity
from web.description.fields import Reason
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem, refused
from web.http.query_parameters import PagePosition, Word, page_size
from web.http.request_body import checked, read_body

_LIMIT: Final = page_size(50, 200)
_POSITION: Final = re.compile(r"(\d{1,18})\.(.{1,200})")
_STATUSES: Final = ("open", "any", *(s for of in ACTIONS.values() for s in of.values()))
_STATUS: Final = Word("status", "Items with this status; `any`: all.", _STATUSES)
_ROOM: Final = Word("room", "Of this room alone.")
_AFTER: Final = PagePosition("after", "The items behind the page that has said so.", _POSITION)
_BEFORE: Final = PagePosition("before", "The acts before the page that has said so.", _POSITION)

#: Seconds that a decision waits for the verdict of the room.
_TIMEOUT: Final = 10.0


class ReviewChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/moderation/queue/{item}`."""

    action: str
    reason: Reason = ""


class ItemShown(msgspec.Struct, omit_defaults=True):
    """An item of the review queue: a `held` message, or the `report` of one."""

    id: str
    kind: Literal["held", "report"]
    room: str
    at_ms: int
    author: str
    text: str
    status: str
    seq: int
    verdict: Ruling | msgspec.UnsetType = msgspec.UNSET
    attachments: tuple[Attachment, ...] = ()
    reports: tuple[Report, ...] = ()
    decisions: tuple[Decision, ...] = ()


class ItemsPage(msgspec.Struct):
    """Items, the oldest first; `after` is for the next page."""

    items: list[ItemShown]
    has_more: bool
    after: str | msgspec.UnsetType = msgspec.UNSET


class Decided(msgspec.Struct):
    """The status of an item after a decision, and the message that it has made or hidden."""

    item: str
    status: str
    n: int | msgspec.UnsetType = msgspec.UNSET
    seq: int | msgspec.UnsetType = msgspec.UNSET


class ActsPage(msgspec.Struct):
    """Acts of moderation, the newest first; `before` is for the next page."""

    acts: list[AnyAct]
    has_more: bool
    before: str | msgspec.UnsetType = msgspec.UNSET


@described(
    Operation(
        {200: ItemsPage},
        query=(_ROOM, _STATUS, _LIMIT, _AFTER),
        codes=("room_unknown", "not_allowed"),
    )
)
async def page(request: web.Request) -> web.Response:
    """`GET /v1/moderation/queue`: items of the caller's rooms, the oldest first.

    `room`, `status` (`open` by default, `any` for all) and `limit` choose, `after` pages on.
    """
    identity = await authenticate(request)
    status, limit = _STATUS.of(request.query), _LIMIT.of(request.query)
    rooms = await moderated(request, identity, _ROOM.of(request.query))
    after = _position(request, _AFTER) or (0, "")
    wanted = "" if status == "any" else status
    found = await request.app[HISTORY].queue(rooms, wanted, after=after, limit=limit + 1)
    shown = [_shown(item) for item in found[:limit] if may_see(identity.user, item)]
    body: dict[str, Any] = {"items": shown}
    body["has_more"] = len(found) > limit
    if body["has_more"]:
        body["after"] = f"{found[limit - 1].at_ms}.{found[limit - 1].id}"
    return json(body)


@described(
    Operation(
        {200: Decided},
        body=ReviewChoice,
        example={"action": "approve"},
        codes=(
            *("item_closed", "not_allowed", "room_unknown", "member_unknown", "message_unknown"),
            *("message_gone", "room_archived", "not_a_root", "muted", "malformed", "not_a_member"),
        ),
    )
)
async def choose(request: web.Request) -> web.Response:
    """`POST /v1/moderation/queue/{item}`: approve or reject, remove or dismiss."""
    identity = await authenticate(request)
    choice = await read_body(request, ReviewChoice)
    reason = composed(checked("reason", wellformed.reason, choice.reason))
    item = await request.app[HISTORY].item(request.match_info["item"])
    sees = item is not None and may_see(identity.user, item)
    if item is None or not sees or not await _moderates(request, identity, item.room):
        raise Problem("item_unknown", "there is no such item in the queue")
    if choice.action not in ACTIONS[item.kind]:
        detail = f"action is one of {', '.join(ACTIONS[item.kind])}"
        raise Problem("field_value", detail, field="action")
    if item.status != "open":
        raise Problem("item_closed", f"it was {item.status} already", item_status=item.status)
    placed = await _carry_out(request, identity, item, choice)
    await _note(request, identity, item, choice, reason)
    return json({"item": item.id, "status": ACTIONS[item.kind][choice.action]} | placed)


async def _moderates(request: web.Request, identity: Identity, room: str) -> bool:
    try:
        await moderated(request, identity, room)
    except Problem as problem:
        if problem.status in (403, 404):
            return False
        raise
    return True


async def _carry_out(
    request: web.Request, identity: Identity, item: Item, choice: ReviewChoice
) -> dict[str, Any]:
    """Send the command that the choice needs, if any; `n` and `seq` of its event."""
    commands = request.app[COMMANDS]
    fields: dict[str, Any] = {
        "room": item.room,
        "by": identity.user,
        "id": commands.new_id(),
        "edge": commands.edge,
        "admin": identity.admin,
    }
    if choice.action == "approve" and item.message is not None:
        return _placed(await commands.send(_approval(item.message, fields), _TIMEOUT))
    if choice.action == "remove":
        command = HideMessage(**fields, client_id=fields["id"], seq=item.seq, reason=choice.reason)
        return _placed(await commands.send(command, _TIMEOUT))
    return {}


def _approval(held: SendMessage, fields: dict[str, Any]) -> ApproveMessage:
    """The held message as a command; its own client id makes it unique."""
    return ApproveMessage(
        **fields,
        client_id=held.client_id,
        user=held.by,
        text=held.text,
        reply_to=held.reply_to,
        thread=held.thread,
        epoch=held.epoch,
        attachments=held.attachments,
        meta=held.meta,
    )


def _placed(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        detail = "the room has not answered yet; try again"
        raise Problem("unreachable", detail)
    if verdict.refusal is not None and verdict.refusal.code != "message_gone":
        raise refused(verdict.refusal)
    return {"n": verdict.n, "seq": verdict.seq} if verdict.seq else {}


async def _note(
    request: web.Request, identity: Identity, item: Item, choice: ReviewChoice, reason: str
) -> None:
    acts = request.app[AUDIT_LOG]
    act = Reviewed(
        id=acts.new_id(),
        by=identity.user,
        at_ms=now_ms(),
        room=item.room,
        item=item.id,
        action=choice.action,
        reason=reason,
    )
    await acts.record(act)
    if item.message is not None and item.author:
        state = {"kind": "review", "room": item.room, "client_id": item.message.client_id}
        told = orjson.dumps({**state, "action": choice.action, "reason": reason})
        await request.app[VIEW].publish_to_user(item.author, told)


@described(
    Operation(
        {200: ActsPage}, query=(_ROOM, _LIMIT, _BEFORE), codes=("room_unknown", "not_allowed")
    )
)
async def account(request: web.Request) -> web.Response:
    """`GET /v1/moderation/log`: acts in the rooms that the caller moderates, the newest first."""
    identity = await authenticate(request)
    limit = _LIMIT.of(request.query)
    rooms = await moderated(request, identity, _ROOM.of(request.query))
    before = _position(request, _BEFORE)
    found = await request.app[HISTORY].account(rooms, before=before, limit=limit + 1)
    acts = [act for _, act in found[:limit]]
    # A moderator does not see who has reported them.
    acts = [a for a in acts if not isinstance(a, Reported) or a.author != identity.user]
    body: dict[str, Any] = {"acts": acts}
    body["has_more"] = len(found) > limit
    if body["has_more"]:
        at_ms, name = found[limit - 1][0]
        body["before"] = f"{at_ms}.{name}"
    return json(body)


def _shown(item: Item) -> dict[str, Any]:
    """An item without the command behind it."""
    found = msgspec.structs.asdict(item)
    found["verdict"] = found.pop("ruling")
    message = found.pop("message")
    if message is not None and message.attachments:
        found["attachments"] = message.attachments
    return {name: value for name, value in found.items() if value not in (None, ())}


def _position(request: web.Request, parameter: PagePosition) -> Place | None:
    parts = parameter.of(request.query)
    return None if parts is None else (int(parts[0]), parts[1])


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get("/v1/moderation/queue", page)
    app.router.add_post("/v1/moderation/queue/{item}", choose)
    app.router.add_get("/v1/moderation/log", account)
