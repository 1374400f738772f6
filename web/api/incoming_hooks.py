"""Incoming webhooks: a simple POST of a service outside speaks in a room."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
import uuid_utils
from aiohttp import web
from aiokafka.errors import KafkaError

from app.domain import names
from app.domain.incoming_text import text_of
from app.domain.shown_text import flaw, is_visible
from app.events import AddMember, IncomingHook, RemoveMember, SendMessage
from app.runtime.clock import now_ms
from app.subscriptions.incoming_hooks import USER, digest_of, new_token, write_hook
from web.api.callers import authenticate, authenticate_hook, count_hook_text
from web.api.command import TEXT_REFUSALS, CommandRequest, Numbered, Pending
from web.api.room_access import moderated
from web.api.services import COMMANDS, INCOMING_HOOKS, PRODUCER, SETTINGS
from web.auth.token_cache import Identity
from web.description.operation import Caller, Operation, described
from web.http.json_response import json
from web.http.problem import Problem, refused
from web.http.request_body import checked, read_body
from web.http.request_params import room_id

#: Bytes of a request; Slack takes as much.
_BYTES: Final = 128 * 1024

#: The most hooks of a room, and characters of a name.
_MOST: Final = 50
_NAME: Final = 80

_FORM: Final = "application/x-www-form-urlencoded"


class NewHook(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms/{room}/hooks`; the user begins with `hook-`."""

    name: str = ""
    user: str = ""


class HookShown(msgspec.Struct, kw_only=True):
    """An incoming webhook, without the secret of its path."""

    id: str
    room: str
    user: str
    name: str
    by: str
    at_ms: int


class HookMade(HookShown, kw_only=True):
    """A new hook, with the path to post to."""

    path: str


class HooksShown(msgspec.Struct):
    """The hooks of a room."""

    hooks: list[HookShown]


class HookPayload(msgspec.Struct):
    """What a hook says: `text`, or the common part of what Slack takes; more is passed over."""

    text: Any = ""
    username: Any = ""
    blocks: Any = None
    attachments: Any = None


@described(
    Operation(
        {201: HookMade},
        body=NewHook,
        example={"name": "Builds", "user": "hook-builds"},
        codes=(
            *("not_allowed", "too_many_hooks", "muted", "room_archived", "malformed"),
            *("not_a_member", "client_id_conflict"),
        ),
    )
)
async def create(request: web.Request) -> web.Response:
    """`POST /v1/rooms/{room}/hooks`: a new hook: 201 with its path, which is told this once."""
    identity, room = await _moderator(request)
    body = await read_body(request, NewHook)
    if wrong := flaw(body.name, "a hook's name", _NAME):
        raise Problem("field_value", wrong, field="name")
    user = checked("user", names.user, body.user or f"{USER}{uuid_utils.uuid4().hex[:8]}")
    if not user.startswith(USER) or user == USER:
        detail = f"a hook's user begins with {USER}, and a name follows"
        raise Problem("field_value", detail, field="user")
    if len(request.app[INCOMING_HOOKS].in_room(room)) >= _MOST:
        raise Problem("too_many_hooks", f"a room has at most {_MOST} hooks")
    await _command(request, AddMember(**_stamp(request, identity, room), user=user))
    token = new_token()
    hook = IncomingHook(
        id=f"hk_{uuid_utils.uuid7().hex}",
        room=room,
        user=user,
        by=identity.user,
        at_ms=now_ms(),
        digest=digest_of(token),
        name=body.name,
    )
    await _write(request, hook.id, hook)
    return json(_shown(hook) | {"path": f"/v1/hooks/{token}"}, 201, {"Cache-Control": "no-store"})


@described(Operation({200: HooksShown}, codes=("not_allowed",)))
async def page(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/hooks`: the hooks of a room, for its moderators."""
    _, room = await _moderator(request)
    hooks = request.app[INCOMING_HOOKS].in_room(room)
    return json({"hooks": [_shown(hook) for hook in hooks]})


@described(Operation({204: None}, codes=("not_allowed", "client_id_conflict", "field_value")))
async def remove(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/hooks/{hook}`: take a hook back, and its user out of the room."""
    identity, room = await _moderator(request)
    hooks = request.app[INCOMING_HOOKS].in_room(room)
    wanted = request.match_info["hook"]
    hook = next((one for one in hooks if one.id == wanted), None)
    if hook is None:
        raise Problem("hook_unknown", "the room has no hook of this id")
    await _write(request, hook.id, None)
    if not any(one.user == hook.user for one in hooks if one is not hook):
        out = RemoveMember(**_stamp(request, identity, room), user=hook.user)
        await request.app[COMMANDS].send(out, request.app[SETTINGS].wait)
    return web.Response(status=204)


@described(
    Operation(
        {201: Numbered, 200: Numbered, 202: Pending},
        caller=Caller.PATH,
        body=HookPayload,
        example={"text": "Build 7 is done"},
        form=True,
        codes=(
            *TEXT_REFUSALS,
            *("room_unknown", "not_allowed", "slow_mode", "room_archived"),
        ),
        command=True,
        open_codes=True,
    )
)
async def say(request: web.Request) -> web.Response:
    """`POST /v1/hooks/{token}`: say something in the hook's room."""
    hook, identity = authenticate_hook(request)
    payload = await _payload(request)
    text = text_of(payload, request.app[SETTINGS].text_limit)
    if not is_visible(text):
        raise Problem("text_empty", "the payload has no text, in text, blocks or attachments")
    count_hook_text(request, hook, text)
    name = payload.get("username")
    asked = CommandRequest(request, identity, hook.room)
    shown = isinstance(name, str) and name and flaw(name, "a name", _NAME) is None
    meta = {"username": name} if shown else {}
    return await asked.submit(SendMessage(**asked.fields(), text=text, meta=meta))


async def _payload(request: web.Request) -> dict[str, Any]:
    raw = bytearray()
    async for piece in request.content.iter_any():
        raw += piece
        if len(raw) > _BYTES:
            raise Problem("body_too_large", f"the body has at most {_BYTES} bytes")
    content = bytes(raw)
    try:
        # `curl -d` says that JSON is a form.
        if request.content_type == _FORM and not content.lstrip().startswith(b"{"):
            content = parse_qs(content.decode(), max_num_fields=20)["payload"][0].encode()
        found = msgspec.json.decode(content)
    except (ValueError, KeyError, RecursionError):
        raise Problem("body_malformed", "the body is JSON, or a form with payload=JSON") from None
    if not isinstance(found, dict):
        raise Problem("body_malformed", 'the body is an object, as {"text": "…"}')
    return found


async def _moderator(request: web.Request) -> tuple[Identity, str]:
    identity = await authenticate(request)
    room = room_id(request)
    await moderated(request, identity, room)
    return identity, room


def _stamp(request: web.Request, identity: Identity, room: str) -> dict[str, str]:
    return CommandRequest(request, identity, room).fields()


async def _command(request: web.Request, command: AddMember) -> None:
    verdict = await request.app[COMMANDS].send(command, request.app[SETTINGS].wait)
    if verdict is not None and verdict.refusal is not None:
        raise refused(verdict.refusal, verdict.ruling)


async def _write(request: web.Request, name: str, hook: IncomingHook | None) -> None:
    try:
        await write_hook(request.app[PRODUCER], request.app[SETTINGS].partitions, name, hook)
    except KafkaError as error:
        raise Problem("unreachable", f"Kafka does not answer: {error!r}") from error


def _shown(hook: IncomingHook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "room": hook.room,
        "user": hook.user,
        "name": hook.name,
        "by": hook.by,
        "at_ms": hook.at_ms,
    }


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_post("/v1/rooms/{room}/hooks", create)
    app.router.add_get("/v1/rooms/{room}/hooks", page)
    app.router.add_delete("/v1/rooms/{room}/hooks/{hook}", remove)
    app.router.add_post("/v1/hooks/{token}", say)
