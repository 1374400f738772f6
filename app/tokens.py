"""Development tokens: what a back end of yours would issue once somebody has logged in."""

from __future__ import annotations

import time

import jwt

from app.errors import SettingError
from app.settings import Settings


def mint(settings: Settings, user: str, life: float = 30 * 24 * 3600) -> str:
    """A token for `user`, signed with the secret (HS256), good for `life` seconds.

    Raises `SettingError` where no secret is set.
    """
    if not settings.secret:
        raise SettingError("PARLEY_SECRET", "", "at least 32 characters")
    now = int(time.time())
    claims = {"sub": user, "iat": now, "exp": int(now + life)}
    return jwt.encode(claims, settings.secret, algorithm="HS256")
