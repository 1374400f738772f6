"""Development tokens: what your own back end would issue after a login."""

from __future__ import annotations

import time

import jwt

from app.errors import ParleyError, SettingError
from app.runtime.admin_claim import AdminClaim
from app.runtime.derived_keys import key_id
from app.settings import Settings


def mint(
    settings: Settings, user: str, life: float = 30 * 24 * 3600, *, admin: bool = False
) -> str:
    """A token for `user`, signed with the secret (HS256), valid for `life` seconds.

    It names the secret by its key id. An `admin` moderates every room and sets the rules. Raises
    `SettingError` without a secret, and `ParleyError` where edges do not take such tokens.
    """
    if not settings.secret:
        raise SettingError("PARLEY_SECRET", "", "at least 32 characters")
    if not settings.takes_hs256:
        raise ParleyError(
            "edges take tokens of your issuer alone, since PARLEY_JWKS is set: set PARLEY_HS256=on"
            " to have them take tokens signed with PARLEY_SECRET, too"
        )
    now = int(time.time())
    claims: dict[str, object] = {"sub": user, "iat": now, "exp": int(now + life)}
    if admin:
        claims |= AdminClaim(settings.admin_claim).of_admin()
    headers = {"kid": key_id(settings.secret)}
    return jwt.encode(claims, settings.secret, algorithm="HS256", headers=headers)
