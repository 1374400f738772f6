"""The rules for a JSON Web Token; each broken one is a 401 with a code of its own.

PyJWT checks them. web/auth/hs256_fast_path.py accepts the usual token before PyJWT is asked.
"""

from __future__ import annotations

import re
from typing import Any, Final

import jwt

from app.domain import names
from web.http.problem import Problem

#: Seconds by which clocks may differ.
LEEWAY: Final = 10
#: The audience of stream tickets, and of nothing else.
STREAM: Final = "parley.stream"
#: The characters of a token.
CHARACTERS: Final = r"[A-Za-z0-9._~+/=-]+"

_TOKEN: Final = re.compile(CHARACTERS)


def denied(code: str, detail: str) -> Problem:
    """A 401 with the challenge that belongs to it (RFC 6750)."""
    challenge = 'Bearer realm="parley"'
    if code != "token_missing":
        challenge += f', error="invalid_token", error_description="{detail}"'
    return Problem(code, detail, headers={"WWW-Authenticate": challenge})


def header_of(token: str) -> tuple[str, str | None]:
    """The algorithm and key id that a token claims, unverified."""
    try:
        if _TOKEN.fullmatch(token) is None:
            raise jwt.DecodeError("characters that no token has")
        found = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise denied("token_malformed", "this is not a JSON Web Token") from None
    return str(found.get("alg")), found.get("kid")


def verified(
    token: str, key: str | jwt.PyJWK, algorithm: str, audience: str | None, issuer: str
) -> dict[str, Any]:
    """The claims of a token whose signature, times and addressee are right."""
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer or None,
            leeway=LEEWAY,
            options={"require": ["sub", "exp"], "verify_aud": audience is not None},
        )
    except jwt.ExpiredSignatureError:
        raise denied("token_expired", "the token has expired") from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        raise denied("token_signature", "the signature is not by a key that counts here") from None
    except jwt.InvalidTokenError as error:
        detail = f"a claim is missing or wrong ({type(error).__name__})"
        raise denied("token_claims", detail) from None


def is_ticket(claims: dict[str, Any]) -> bool:
    """Whether the claims are those of a stream ticket."""
    audience = claims.get("aud")
    return audience == STREAM or (isinstance(audience, list) and STREAM in audience)


def user_of(claims: dict[str, Any]) -> str:
    """The user of a token. Raises `Problem` 401."""
    problem = names.user(claims["sub"])
    if problem is not None:
        raise denied("token_claims", f"sub: {problem}")
    return str(claims["sub"])


def moment(claims: dict[str, Any], name: str) -> float:
    """A claim that is a Unix time. Raises `Problem` 401."""
    try:
        return float(claims[name])
    except (KeyError, TypeError, ValueError):
        raise denied("token_claims", f"{name} is not a time") from None
