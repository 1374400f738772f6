"""Development tokens: what your own back end would issue after a login."""

from __future__ import annotations

import time
from typing import Final

import jwt

from app.errors import SettingError
from app.settings import Settings

#: The claim that makes a user an admin, if true: one who moderates every room and sets the rules.
ADMIN: Final = "parley_admin"


def mint(
    settings: Settings, user: str, life: float = 30 * 24 * 3600, *, admin: bool = False
) -> str:
    """A token for `user`, signed with the secret (HS256), valid for `life` seconds.

    An `admin` moderates every room and sets the rules. Raises `SettingError` without a secret.
    """
    if not settings.secret:
        raise SettingError("PARLEY_SECRET", "", "at least 32 characters")
    now = int(time.time())
    claims: dict[str, object] = {"sub": user, "iat": now, "exp": int(now + life)}
    if admin:
        claims[ADMIN] = True
    return jwt.encode(claims, settings.secret, algorithm="HS256")
