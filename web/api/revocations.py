"""Taking tokens back before they end: all of a person's so far, or one by its `jti`."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any, Final

import msgspec
from aiohttp import web

from app.domain import names, wellformed
from app.events import AnyRevocation, TokenRevoked, TokensRevoked, revocation_key
from app.moderation.revoked_tokens import all_tokens_of, revoke
from app.runtime.clock import now_ms
from web.api.callers import authenticate, authenticate_admin
from web.api.services import PRODUCER, REVOKED_TOKENS, SETTINGS
from web.description.operation import Caller, Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.query_parameters import Word, page_size
from web.http.request_body import checked, read_body

_MAX_TIME = 2**53

_LIMIT: Final = page_size(100, 1_000)
_AFTER: Final = Word("after", "The revocations behind the page that has said so.")


class NewRevocation(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/revocations`: a `user`, or the `jti` of a token.

    `expires_at` is the Unix time at which that token ends by itself, if it is known.
    """

    user: str = ""
    jti: str = ""
    expires_at: int = 0


class Revoked(msgspec.Struct):
    """Tokens that do not count: of a `user`, issued before `not_before`; or the one with a `jti`.

    Both times are Unix times. `expires_at` is the end of the token, 0 where that is not known.
    """

    by: str
    at_ms: int
    user: str | msgspec.UnsetType = msgspec.UNSET
    not_before: int | msgspec.UnsetType = msgspec.UNSET
    jti: str | msgspec.UnsetType = msgspec.UNSET
    expires_at: int | msgspec.UnsetType = msgspec.UNSET


class RevocationsPage(msgspec.Struct):
    """Those that stand; `after` is for the next page."""

    revocations: list[Revoked]
    after: str | msgspec.UnsetType = msgspec.UNSET


@described(
    Operation({201: Revoked}, body=NewRevocation, example={"user": "ben"}, codes=("not_allowed",))
)
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


@described(Operation({200: RevocationsPage}, caller=Caller.ADMIN, query=(_LIMIT, _AFTER)))
async def page(request: web.Request) -> web.Response:
    """`GET /v1/revocations?limit=&after=`: the revocations that stand, by token and by user."""
    await authenticate_admin(request)
    limit, after = _LIMIT.of(request.query), _AFTER.of(request.query)
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
