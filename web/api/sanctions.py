"""Muting and banning: in a room, by its moderators; everywhere, by admins."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from aiohttp import web

from app.domain import wellformed
from app.domain.sanctions import until
from app.domain.shown_text import composed
from app.events import LiftSanction, Sanctioned, SanctionSet, SetSanction
from app.runtime.clock import now_ms
from web.api.callers import authenticate, authenticate_admin
from web.api.command import command_request, describes_command
from web.api.room_access import moderated
from web.api.services import ACTIVE_RULES, AUDIT_LOG, AUTHENTICATOR, HUB, VIEW
from web.description.fields import ClientId, Reason
from web.description.operation import Caller, Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import checked, read_body
from web.http.request_params import client_id, room_id, user_id


class NewSanction(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a sanction; without `seconds` it does not expire."""

    sanction: Literal["mute", "ban"]
    seconds: int = 0
    reason: Reason = ""
    client_id: ClientId | None = None


class SanctionShown(msgspec.Struct):
    """A sanction that holds until `until_ms`, 0: for good."""

    user: str
    sanction: Literal["mute", "ban"]
    until_ms: int
    reason: str
    by: str
    at_ms: int


class SanctionsShown(msgspec.Struct):
    """The sanctions that hold, by user."""

    sanctions: list[SanctionShown]


class LiftedEverywhere(msgspec.Struct):
    """The user who is free of sanctions everywhere."""

    user: str


@describes_command(
    "not_allowed",
    "room_archived",
    body=NewSanction,
    example={"sanction": "mute", "seconds": 600, "reason": "noise"},
)
async def put(request: web.Request) -> web.Response:
    """`PUT /v1/rooms/{room}/sanctions/{user}`: mute or ban a user in a room."""
    asked = await command_request(request)
    body = await _body(request)
    command = SetSanction(
        **asked.fields(body.client_id),
        user=user_id(request),
        sanction=body.sanction,
        seconds=body.seconds,
        reason=body.reason,
        admin=asked.identity.admin,
    )
    return await asked.submit(command)


@describes_command("not_allowed", "room_archived")
async def lift(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/sanctions/{user}`: lift the sanction of a user before its end."""
    asked = await command_request(request)
    admin = asked.identity.admin
    command = LiftSanction(**asked.fields(), user=user_id(request), admin=admin)
    return await asked.submit(command)


@described(Operation({200: SanctionsShown}, codes=("not_allowed",)))
async def page(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/sanctions`: the active sanctions of a room, for its moderators."""
    identity = await authenticate(request)
    room = room_id(request)
    await moderated(request, identity, room)
    found = await request.app[VIEW].sanctions(room)
    now = now_ms()
    shown = [_shown(one) for one in found.values() if not one.until_ms or one.until_ms > now]
    return json({"sanctions": sorted(shown, key=lambda one: str(one["user"]))})


@described(
    Operation(
        {200: SanctionShown},
        caller=Caller.ADMIN,
        body=NewSanction,
        example={"sanction": "mute", "seconds": 600, "reason": "noise"},
        codes=("client_id_conflict",),
    )
)
async def put_everywhere(request: web.Request) -> web.Response:
    """`PUT /v1/sanctions/{user}`: mute or ban a user everywhere."""
    identity = await authenticate_admin(request)
    body = await _body(request)
    client_id(request, body.client_id)
    acts, now = request.app[AUDIT_LOG], now_ms()
    act = Sanctioned(
        id=acts.new_id(),
        by=identity.user,
        at_ms=now,
        user=user_id(request),
        sanction=body.sanction,
        until_ms=until(now, body.seconds),
        reason=body.reason,
    )
    await acts.sanction(act)
    return json(_shown(act))


@described(Operation({200: LiftedEverywhere}, caller=Caller.ADMIN))
async def lift_everywhere(request: web.Request) -> web.Response:
    """`DELETE /v1/sanctions/{user}`: lift the sanction of a user before its end."""
    identity = await authenticate_admin(request)
    acts = request.app[AUDIT_LOG]
    act = Sanctioned(id=acts.new_id(), by=identity.user, at_ms=now_ms(), user=user_id(request))
    await acts.sanction(act)
    return json({"user": act.user})


@described(Operation({200: SanctionsShown}, caller=Caller.ADMIN))
async def page_everywhere(request: web.Request) -> web.Response:
    """`GET /v1/sanctions`: the active sanctions everywhere, by user."""
    await authenticate_admin(request)
    return json({"sanctions": [_shown(one) for one in request.app[ACTIVE_RULES].holding(now_ms())]})


def shut_out(app: web.Application, act: Sanctioned) -> None:
    """End the streams and polls of a user who is banned everywhere from now on."""
    if act.sanction == "ban" and (not act.until_ms or act.until_ms > now_ms()):
        app[AUTHENTICATOR].recheck()
        app[HUB].state.dismiss(act.user, "banned", act.reason or "You are banned.")


async def _body(request: web.Request) -> NewSanction:
    body = await read_body(request, NewSanction)
    body.reason = composed(checked("reason", wellformed.reason, body.reason))
    if wrong := wellformed.sanction(body.sanction, body.seconds):
        raise Problem("field_value", wrong, field="seconds")
    return body


def _shown(one: SanctionSet | Sanctioned) -> dict[str, Any]:
    names = ("user", "sanction", "until_ms", "reason", "by", "at_ms")
    return {name: getattr(one, name) for name in names}


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get("/v1/rooms/{room}/sanctions", page)
    app.router.add_put("/v1/rooms/{room}/sanctions/{user}", put)
    app.router.add_delete("/v1/rooms/{room}/sanctions/{user}", lift)
    app.router.add_get("/v1/sanctions", page_everywhere)
    app.router.add_put("/v1/sanctions/{user}", put_everywhere)
    app.router.add_delete("/v1/sanctions/{user}", lift_everywhere)
