"""Members of a room: adding, removing, roles, listing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec
from aiohttp import web

from app.domain import names
from app.domain.confusables import flagged
from app.events import AddMember, ChangeRole, RemoveMember
from web.api.callers import authenticate
from web.api.command import command_request, describes_command
from web.api.quotas import require_place
from web.api.room_access import required_head
from web.api.services import VIEW
from web.description.fields import ClientId, UserId
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.query_parameters import Word, page_size
from web.http.request_body import checked, read_body
from web.http.request_params import room_id, user_id

_LIMIT: Final = page_size(100, 1000)
_AFTER: Final = Word("after", "Members whose id comes behind this one.")


class ListedMember(msgspec.Struct, omit_defaults=True):
    """A member with the role; `looks_like` is a member whose id looks the same."""

    user: str
    role: Literal["member", "moderator", "admin", "owner"]
    looks_like: str = ""


class MembersPage(msgspec.Struct):
    """Members by name; `count` is the number of all."""

    members: list[ListedMember]
    has_more: bool
    count: int


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms/{room}/members`; with the caller as `user`: join a public room."""

    user: UserId
    role: Literal["member", "moderator", "admin"] = "member"
    client_id: ClientId | None = None


class NewRole(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PATCH /v1/rooms/{room}/members/{user}`; `owner`: hand the room over."""

    role: Literal["member", "moderator", "admin", "owner"]
    client_id: ClientId | None = None


@describes_command(
    *("not_allowed", "muted", "room_archived", "too_many_rooms", "too_many_members"),
    creates=True,
    body=NewMember,
    example={"user": "ben"},
)
async def add(request: web.Request) -> web.Response:
    """`POST /v1/rooms/{room}/members`: add a member."""
    asked = await command_request(request)
    body = await read_body(request, NewMember)
    command = AddMember(
        **asked.fields(body.client_id),
        user=checked("user", names.user, body.user),
        role=body.role,
    )
    await require_place(request, asked.room, asked.identity, body.user)
    return await asked.submit(command, location=f"/v1/rooms/{asked.room}")


@describes_command("not_allowed", "owner_stays", "room_archived")
async def remove(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/members/{user}`: remove a member, or leave."""
    asked = await command_request(request)
    return await asked.submit(RemoveMember(**asked.fields(), user=user_id(request)))


@describes_command("not_allowed", "room_archived", body=NewRole, example={"role": "moderator"})
async def change(request: web.Request) -> web.Response:
    """`PATCH /v1/rooms/{room}/members/{user}`: change the role of a member."""
    asked = await command_request(request)
    body = await read_body(request, NewRole)
    command = ChangeRole(
        **asked.fields(body.client_id),
        user=user_id(request),
        role=body.role,
    )
    return await asked.submit(command)


@described(Operation({200: MembersPage}, query=(_LIMIT, _AFTER)))
async def page(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/members`: the members by name; `after` and `limit` page."""
    identity = await authenticate(request)
    room = room_id(request)
    limit, after = _LIMIT.of(request.query), _AFTER.of(request.query)
    await required_head(request, room, identity.user)
    members = sorted((await request.app[VIEW].members(room)).items())
    rest = [entry for entry in members if entry[0] > after]
    page = listed(rest[:limit], flagged([user for user, _ in members]))
    return json({"members": page, "has_more": len(rest) > limit, "count": len(members)})


def listed(members: Iterable[tuple[str, str]], alike: Mapping[str, str]) -> list[dict[str, str]]:
    """Members with their roles, as lists have them; `alike`: those that look like another."""
    return [
        {"user": user, "role": role} | ({"looks_like": alike[user]} if user in alike else {})
        for user, role in members
    ]


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_post("/v1/rooms/{room}/members", add)
    app.router.add_get("/v1/rooms/{room}/members", page)
    app.router.add_delete("/v1/rooms/{room}/members/{user}", remove)
    app.router.add_patch("/v1/rooms/{room}/members/{user}", change)
