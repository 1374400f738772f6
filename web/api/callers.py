"""The caller of a request: a user with a Bearer token, who has not asked too often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from aiohttp.web_middlewares import middleware

from app.events import IncomingHook
from app.runtime.admin_claim import AdminClaim
from web.api.request_kinds import KINDS
from web.api.services import AUTHENTICATOR, INCOMING_HOOKS, LIMITS, SETTINGS
from web.auth.token_cache import Identity
from web.http.problem import Problem
from web.limits.kinds import IN_ROOM, Kind
from web.limits.limiter import Allowance, Use
from web.limits.refusal import RateLimited, headers_of, is_failed_login

_ROOMS_AS_ONE: Final = 200
_BYTES_AS_ONE: Final = 2048

_ADDRESS: Final = web.RequestKey("address", str)
_ALLOWANCE: Final = web.RequestKey("allowance", Allowance)


async def authenticate(request: web.Request) -> Identity:
    """The caller, by the Bearer token; the request counts in the caller's limits.

    Raises `Problem` 401, 403, 429 or 503.
    """
    try:
        identity = await request.app[AUTHENTICATOR].bearer(request.headers, request.query)
    except Problem as problem:
        if is_failed_login(problem):
            # Counted behind the check: those at the same address whose tokens are good go on.
            request.app[LIMITS].limiter.allow((Kind.FAILED, request[_ADDRESS], 1))
        raise
    if not identity.admin:
        allowance = request.app[LIMITS].limiter.allow(*_uses(request, identity.user))
        if allowance is not None:
            request[_ALLOWANCE] = allowance
    return identity


async def authenticate_admin(request: web.Request) -> Identity:
    """The caller, whose token has the admin claim. Raises `Problem` 401, 403 or 503."""
    identity = await authenticate(request)
    if not identity.admin:
        claim = AdminClaim(request.app[SETTINGS].admin_claim)
        raise Problem("not_allowed", f"this takes a token with the claim {claim}")
    return identity


def authenticate_hook(request: web.Request) -> tuple[IncomingHook, Identity]:
    """The hook of a request's token, and its user; the request counts in the user's limits.

    Raises `Problem` 404 and 429.
    """
    hook = request.app[INCOMING_HOOKS].of_token(request.match_info["token"])
    limiter = request.app[LIMITS].limiter
    if hook is None:
        limiter.allow((Kind.FAILED, request[_ADDRESS], 1))
        raise Problem("hook_unknown", "there is no hook of this token, or it was taken back")
    place = f"{hook.user}/{hook.room}"
    allowance = limiter.allow((Kind.SEND, place, 1), (Kind.SEND_ROOM, place, 1))
    if allowance is not None:
        request[_ALLOWANCE] = allowance
    return hook, Identity(hook.user, 0.0)


def count_hook_text(request: web.Request, hook: IncomingHook, text: str) -> None:
    """Count a long text of a hook's as several."""
    if extra := len(text.encode("utf-8", "surrogatepass")) // _BYTES_AS_ONE:
        place = f"{hook.user}/{hook.room}"
        request.app[LIMITS].limiter.allow((Kind.SEND, place, extra), (Kind.SEND_ROOM, place, extra))


def count(request: web.Request, identity: Identity, kind: str, owner: str, cost: float) -> None:
    """Count more than the one request, where it costs more. Raises `RateLimited`; not for admins.

    `owner` is the caller, or the person to whom something is done.
    """
    if not identity.admin and cost > 0:
        request.app[LIMITS].limiter.allow((kind, owner, cost))


def count_rooms(request: web.Request, identity: Identity, kind: str, rooms: int) -> None:
    """Count a request that looks at so many rooms: 200 of them count as one request more."""
    count(request, identity, kind, identity.user, rooms / _ROOMS_AS_ONE)


def count_text(request: web.Request, identity: Identity, text: str) -> None:
    """Count a long text as several: 2,048 bytes of it count as one request more."""
    if identity.admin or 4 * len(text) < _BYTES_AS_ONE:
        return
    if extra := len(text.encode("utf-8", "surrogatepass")) // _BYTES_AS_ONE:
        user, room = identity.user, request.match_info["room"]
        request.app[LIMITS].limiter.allow(
            (Kind.SEND, user, extra), (Kind.SEND_ROOM, f"{user}/{room}", extra)
        )


def _uses(request: web.Request, user: str) -> Iterator[Use]:
    """The buckets in which a request counts."""
    match = request.match_info
    resource = match.route.resource
    kind = KINDS.get((request.method, resource.canonical)) if resource is not None else None
    if kind is None:
        return
    yield (kind, user, 1)
    in_room = IN_ROOM.get(kind)
    room = match.get("room")
    if in_room is not None and room is not None:
        yield (in_room, f"{user}/{room}", 1)


@middleware
async def limit_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: counts each request by address first, says what is left, and holds refusals back.

    It is the outermost one, so that a request which is one too many costs as little as it can.
    """
    limits = request.app[LIMITS]
    given = request.headers.getall(limits.addresses.header, ())
    try:
        request[_ADDRESS] = limits.allow_address(request.remote or "", given)
    except RateLimited as refused:
        answer: web.StreamResponse = refused.response()
    else:
        answer = await handler(request)
    if answer.status == 429:
        await limits.hold_back(float(answer.headers.get(hdrs.RETRY_AFTER, "0")))
    elif not answer.prepared and (left := request.get(_ALLOWANCE)) is not None:
        answer.headers.update(headers_of(*left))
    return answer
