"""Taking tokens back before they end: all of a person's so far, or one by its `jti`."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

import msgspec
from aiohttp import web

from app.domain import names, wellformed
from app.events import AnyRevocation, TokenRevoked, TokensRevoked, revocation_key
from app.moderation.revoked_tokens import all_tokens_of, revoke
from app.runtime.clock import now_ms
from web.api.callers import authenticate, authenticate_admin
from web.api.services import PRODUCER, REVOKED_TOKENS, SETTINGS
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import checked, read_body
from web.http.request_params import integer, word

_MAX_TIME = 2**53

#: Revocations of a page: by default, and at most.
_LIMIT = 100
_MOST = 1_000


class NewRevocation(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/revocations`: a `user`, or the `jti` of a token.

    `expires_at` is the Unix time at which that token ends by itself, if it is known.
    """

    user: str = ""
    jti: str = ""
    expires_at: int = 0


async def create(request: web.Request) -> web.Response:
    """`POST /v1/revocations`: take tokens back; 201 when Kafka has it.

    Admins may do so for everybody. Others take back all tokens of their own, this one included.
    """
    identity = await authenticate(request)
    body = await read_body(request, NewRevocation)
    if bool(body.user) == bool(body.jti):
        raise Problem("field_value", "give a user, or a jti", field="user")
    if not identity.admin and body.user != identity.user:
        raise Problem("not_allowed", "only an admin takes back tokens of others, or one by its jti")
    revocation: AnyRevocation
    if body.user:
        user = checked("user", names.user, body.user)
        revocation = all_tokens_of(user, identity.user, time.time())
    else:
        if not 0 <= body.expires_at <= _MAX_TIME:
            raise Problem("field_value", "expires_at is a Unix time", field="expires_at")
        revocation = TokenRevoked(
            jti=checked("jti", wellformed.token_id, body.jti),
            by=identity.user,
            at_ms=now_ms(),
            until=body.expires_at,
        )
    await revoke(request.app[PRODUCER], request.app[SETTINGS].partitions, revocation)
    return json(_shown(revocation), 201)


async def page(request: web.Request) -> web.Response:
    """`GET /v1/revocations?limit=&after=`: those that stand, by token and by user."""
    await authenticate_admin(request)
    limit = integer(request, "limit", 1, _MOST) or _LIMIT
    after = word(request, "after")
    standing = request.app[REVOKED_TOKENS].standing(time.time(), after)
    found = list(islice(standing, limit + 1))
    body: dict[str, Any] = {"revocations": [_shown(one) for one in found[:limit]]}
    if len(found) > limit:
        body["after"] = revocation_key(found[limit - 1])
    return json(body)


def _shown(one: AnyRevocation) -> dict[str, Any]:
    said = {"by": one.by, "at_ms": one.at_ms}
    if isinstance(one, TokensRevoked):
        return {"user": one.user, "not_before": one.not_before, **said}
    return {"jti": one.jti, "expires_at": one.until, **said}


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_post("/v1/revocations", create)
    app.router.add_get("/v1/revocations", page)
