"""The rules for a JSON Web Token; each broken one is a 401 with a code of its own.

PyJWT checks them. web/auth/hs256_fast_path.py accepts the usual token before PyJWT is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

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


class TokenHeader(NamedTuple):
    """The algorithm, key id and type that a token claims, unverified."""

    algorithm: str
    kid: str | None
    type: str


def denied(code: str, detail: str) -> Problem:
    """A 401 with the challenge that belongs to it (RFC 6750)."""
    challenge = 'Bearer realm="parley"'
    if code != "token_missing":
        challenge += f', error="invalid_token", error_description="{detail}"'
    return Problem(code, detail, headers={"WWW-Authenticate": challenge})


def header_of(token: str) -> TokenHeader:
    """What a token says about its signature. Raises `Problem` 401 for what is no token."""
    try:
        if _TOKEN.fullmatch(token) is None:
            raise jwt.DecodeError("characters that no token has")
        found = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise denied("token_malformed", "this is not a JSON Web Token") from None
    return TokenHeader(str(found.get("alg")), found.get("kid"), str(found.get("typ") or ""))


def verified(
    token: str, key: Any, algorithm: str, audience: str | None = None, issuer: str | None = None
) -> dict[str, Any]:
    """The claims of a token whose signature, times, issuer and addressee are right.

    `iat` informs and is no limit (RFC 7519, 4.1.6): the clock of an issuer may be ahead.
    """
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY,
            options={
                "require": ["sub", "exp"],
                "verify_aud": audience is not None,
                "verify_iat": False,
            },
        )
    except jwt.ExpiredSignatureError:
        raise denied("token_expired", "the token has expired") from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
        raise denied("token_signature", "the signature is not by a key that counts here") from None
    except jwt.InvalidTokenError as error:
        detail = f"a claim is missing or wrong ({type(error).__name__})"
        raise denied("token_claims", detail) from None


def is_ticket(claims: Mapping[str, Any]) -> bool:
    """Whether the claims are those of a stream ticket."""
    audience = claims.get("aud")
    return audience == STREAM or (isinstance(audience, list) and STREAM in audience)


def user_of(claims: Mapping[str, Any]) -> str:
    """The user of a token. Raises `Problem` 401."""
    problem = names.user(claims["sub"])
    if problem is not None:
        raise denied("token_claims", f"sub: {problem}")
    return str(claims["sub"])


def moment(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a Unix time. Raises `Problem` 401."""
    try:
        return float(claims[name])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise denied("token_claims", f"{name} is not a time") from None


def issued_at(claims: Mapping[str, Any]) -> float:
    """When a token was issued, as it says; 0 where it does not say."""
    found = claims.get("iat")
    return float(found) if isinstance(found, int | float) and abs(found) < 1e15 else 0.0


def token_id(claims: Mapping[str, Any]) -> str:
    """The `jti` of a token; empty where it has none."""
    found = claims.get("jti")
    return found if isinstance(found, str) else ""
