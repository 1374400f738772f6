"""Muting and banning: in a room, by its moderators; everywhere, by admins."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from aiohttp import web

from app.domain import wellformed
from app.domain.sanctions import until
from app.events import LiftSanction, Sanctioned, SanctionSet, SetSanction
from app.runtime.clock import now_ms
from web.api.command import wish
from web.api.moderators import moderated
from web.api.services import ACTS, AUTH, HUB, IN_FORCE, VIEW
from web.api.submit import submit
from web.auth.authenticator import authenticate, authenticate_admin
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import checked, read_body
from web.http.request_params import room_id, user_id


class NewSanction(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a sanction; without `seconds` it is for good."""

    sanction: Literal["mute", "ban"]
    seconds: int = 0
    reason: str = ""
    client_id: str | None = None


async def put(request: web.Request) -> web.Response:
    """`PUT /v1/rooms/{room}/sanctions/{user}`: mute or ban somebody in a room."""
    identity = await authenticate(request)
    body = await _body(request)
    command = SetSanction(
        **await wish(request, room_id(request), body.client_id),
        user=user_id(request),
        sanction=body.sanction,
        seconds=body.seconds,
        reason=body.reason,
        admin=identity.admin,
    )
    return await submit(request, command)


async def lift(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/sanctions/{user}`: end it before its time."""
    identity = await authenticate(request)
    fields = await wish(request, room_id(request))
    command = LiftSanction(**fields, user=user_id(request), admin=identity.admin)
    return await submit(request, command)


async def page(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/sanctions`: those in force in a room, for who moderates it."""
    identity = await authenticate(request)
    room = room_id(request)
    await moderated(request, identity, room)
    found = await request.app[VIEW].sanctions(room)
    now = now_ms()
    shown = [_shown(one) for one in found.values() if not one.until_ms or one.until_ms > now]
    return json({"sanctions": sorted(shown, key=lambda one: str(one["user"]))})


async def put_everywhere(request: web.Request) -> web.Response:
    """`PUT /v1/sanctions/{user}`: mute or ban somebody everywhere."""
    identity = await authenticate_admin(request)
    body = await _body(request)
    acts, now = request.app[ACTS], now_ms()
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


async def lift_everywhere(request: web.Request) -> web.Response:
    """`DELETE /v1/sanctions/{user}`: end it before its time."""
    identity = await authenticate_admin(request)
    acts = request.app[ACTS]
    act = Sanctioned(id=acts.new_id(), by=identity.user, at_ms=now_ms(), user=user_id(request))
    await acts.sanction(act)
    return json({"user": act.user})


async def page_everywhere(request: web.Request) -> web.Response:
    """`GET /v1/sanctions`: those in force everywhere, by user."""
    await authenticate_admin(request)
    return json({"sanctions": [_shown(one) for one in request.app[IN_FORCE].holding(now_ms())]})


def shut_out(app: web.Application, act: Sanctioned) -> None:
    """End the streams and polls of somebody who is banned everywhere from now on."""
    if act.sanction == "ban" and (not act.until_ms or act.until_ms > now_ms()):
        app[AUTH].recheck()
        app[HUB].dismiss(act.user, "banned", act.reason or "You are banned.")


async def _body(request: web.Request) -> NewSanction:
    body = await read_body(request, NewSanction)
    checked("reason", wellformed.reason, body.reason)
    if wrong := wellformed.sanction(body.sanction, body.seconds):
        raise Problem(400, "field_value", wrong, field="seconds")
    return body


def _shown(one: SanctionSet | Sanctioned) -> dict[str, Any]:
    names = ("user", "sanction", "until_ms", "reason", "by", "at_ms")
    return {name: getattr(one, name) for name in names}


def add_routes(app: web.Application) -> None:
    """The paths of this file."""
    app.router.add_get("/v1/rooms/{room}/sanctions", page)
    app.router.add_put("/v1/rooms/{room}/sanctions/{user}", put)
    app.router.add_delete("/v1/rooms/{room}/sanctions/{user}", lift)
    app.router.add_get("/v1/sanctions", page_everywhere)
    app.router.add_put("/v1/sanctions/{user}", put_everywhere)
    app.router.add_delete("/v1/sanctions/{user}", lift_everywhere)
