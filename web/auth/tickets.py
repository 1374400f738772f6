"""Stream tickets: what a ticket says, and who may have made it.

A ticket is a JSON Web Token with an audience of its own, signed with the key of tickets. It says of
the token that it was made for all by which that token may be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jwt

from app.runtime.derived_keys import KeyRing, Purpose
from web.auth.jwt_rules import (
    LEEWAY,
    STREAM,
    denied,
    header_of,
    is_ticket,
    issued_at,
    moment,
    token_id,
    user_of,
    verified,
)
from web.auth.token_cache import Identity
from web.http.problem import Problem


def sign_ticket(
    ring: KeyRing, identity: Identity, now: float, life: float
) -> tuple[str, float] | None:
    """A ticket for a caller, and the Unix time at which it ends, never after their token.

    `until`, the end of the token, is how long a stream opened with it may last. `None` where there
    is no secret to sign with.
    """
    keys = ring.keys(Purpose.TICKET)
    if not keys:
        return None
    ends = int(min(now + life, identity.expires_at))
    of = {"iat": identity.issued_at, "jti": identity.token_id, "key": identity.signer}
    claims = {
        "aud": STREAM,
        "sub": identity.user,
        "iat": int(now),
        "exp": ends,
        "until": identity.expires_at,
        "of": {name: value for name, value in of.items() if value},
    }
    key = keys[0]
    made = jwt.encode(claims, key.key, algorithm="HS256", headers={"kid": key.id})
    return made, float(ends)


def identity_of_ticket(ring: KeyRing, ticket: str) -> Identity:
    """The caller that a ticket was made for. Raises `Problem` 401."""
    header = header_of(ticket)
    if header.algorithm != "HS256" or not ring.secrets:
        raise denied("token_signature", "tickets signed that way are not taken here")
    keys = ring.keys(Purpose.TICKET)
    # Some of the first form have no key id.
    named = [key for key in keys if key.id == header.kid] or keys
    claims = verified_by_any(ticket, [key.key for key in named])
    if not is_ticket(claims):
        raise denied("ticket_misused", "a token is no ticket; get one at /v1/stream-tickets")
    of = claims.get("of")
    if not isinstance(of, dict):
        # An earlier version's: it was made after its token was issued.
        of = {"iat": claims.get("iat")}
    return Identity(
        user_of(claims),
        moment(claims, "until"),
        opens_until=moment(claims, "exp") + LEEWAY,
        issued_at=issued_at(of),
        token_id=token_id(of),
        signer=str(of.get("key", "")),
    )


def verified_by_any(token: str, keys: Sequence[bytes]) -> dict[str, Any]:
    """The claims of a token that one of the keys signed. Raises `Problem` 401."""
    for key in keys[:-1]:
        try:
            return verified(token, key, "HS256")
        except Problem as problem:
            if problem.code != "token_signature":
                raise
    return verified(token, keys[-1], "HS256")
