"""The caller of a request: a user with a Bearer token."""

from __future__ import annotations

from aiohttp import web

from app.runtime.admin_claim import AdminClaim
from web.api.services import AUTHENTICATOR, SETTINGS
from web.auth.token_cache import Identity
from web.http.problem import Problem


async def authenticate(request: web.Request) -> Identity:
    """The caller, by the Bearer token. Raises `Problem` 401, 403 or 503."""
    return await request.app[AUTHENTICATOR].bearer(request.headers, request.query)


async def authenticate_admin(request: web.Request) -> Identity:
    """The caller, whose token has the admin claim. Raises `Problem` 401, 403 or 503."""
    identity = await authenticate(request)
    if not identity.admin:
        claim = AdminClaim(request.app[SETTINGS].admin_claim)
        raise Problem("not_allowed", f"this takes a token with the claim {claim}")
    return identity
