"""Authentication by a JSON Web Token in `Authorization: Bearer`, or by a stream ticket."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Final

import jwt
from aiohttp import hdrs

from app.domain import names
from app.domain.sanctions import Sanction, describe, holds
from app.errors import Unreachable
from app.runtime.clock import now_ms
from app.runtime.dev_tokens import ADMIN
from app.settings import Settings
from web.auth.hs256_fast_path import claims
from web.auth.jwks import KeySet
from web.auth.jwt_rules import (
    CHARACTERS,
    LEEWAY,
    denied,
    header_of,
    is_ticket,
    moment,
    user_of,
    verified,
)
from web.auth.token_cache import Identity, TokenCache
from web.http.problem import Problem

_BEARER: Final = re.compile(rf"bearer +({CHARACTERS}) *", re.IGNORECASE)


class Authenticator:
    """Turns tokens and tickets into identities.

    The settings say which algorithm may sign: HS256 is checked against the secret alone, RS256
    against the key set alone, any other is refused. A verified token is cached until it expires.
    """

    def __init__(
        self, settings: Settings, sanction: Callable[[str], Sanction | None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._sanction = sanction
        self._tokens = TokenCache()
        self._tickets = TokenCache()
        #: Raised whenever earlier checks of tokens no longer count.
        self.generation = 0
        self._keys = KeySet(settings.jwks, self._forget) if settings.jwks else None

    async def close(self) -> None:
        """End a fetch of keys that is under way."""
        if self._keys is not None:
            await self._keys.close()

    def recheck(self) -> None:
        """Check every caller again with their next request."""
        self.generation += 1

    def _forget(self) -> None:
        self._tokens.clear()
        self.recheck()

    async def bearer(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Identity:
        """The caller of a request. Raises `Problem` 401, or 503 where keys are out of reach."""
        if "ticket" in query:
            raise denied("ticket_misused", "a ticket opens streams and long-polls, nothing else")
        return self._unless_banned(await self._bearer(headers))

    async def stream(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Identity:
        """The caller of a stream or long-poll: by `Authorization`, else by `?ticket=`."""
        ticket = query.get("ticket")
        if ticket is None or hdrs.AUTHORIZATION in headers:
            return self._unless_banned(await self._bearer(headers))
        known = self._tickets.get(ticket)
        return self._unless_banned(known if known is not None else self._ticket(ticket))

    def known_stream(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Identity | None:
        """As `stream`, where the result is cached; `None` otherwise, or where anything is wrong."""
        header = headers.get(hdrs.AUTHORIZATION)
        if header is None:
            ticket = query.get("ticket")
            known = None if ticket is None else self._tickets.get(ticket)
        else:
            found = _BEARER.fullmatch(header)
            if found is None:
                return None
            known = self._tokens.get(found[1]) or self._by_fast_path(found[1])
        return None if known is None or self._ban(known) is not None else known

    def _by_fast_path(self, token: str) -> Identity | None:
        """The identity of a token that the fast path accepts."""
        secret = self._settings.secret
        known = claims(token, secret.encode(), time.time(), LEEWAY) if secret else None
        if known is None or is_ticket(known) or names.user(known["sub"]) is not None:
            return None
        identity = Identity(known["sub"], known["exp"] + LEEWAY, known.get(ADMIN) is True)
        self._tokens.put(token, identity, identity.expires_at)
        return identity

    def _unless_banned(self, identity: Identity) -> Identity:
        ban = self._ban(identity)
        if ban is not None:
            raise Problem("banned", describe("You are banned", ban))
        return identity

    def _ban(self, identity: Identity) -> Sanction | None:
        """The ban that keeps a user out everywhere at this moment."""
        sanction = None if identity.admin else self._sanction(identity.user)
        if sanction is None or sanction.kind != "ban":
            return None
        return sanction if holds(sanction, now_ms()) else None

    async def _bearer(self, headers: Mapping[str, str]) -> Identity:
        header = headers.get(hdrs.AUTHORIZATION)
        if header is None or not header.lower().startswith("bearer"):
            raise denied("token_missing", "send Authorization: Bearer with a token")
        found = _BEARER.fullmatch(header)
        if found is None:
            raise denied("token_malformed", "Authorization is not Bearer and one token")
        known = self._tokens.get(found[1]) or self._by_fast_path(found[1])
        return known if known is not None else await self._token(found[1])

    async def _token(self, token: str) -> Identity:
        algorithm, kid = header_of(token)
        if algorithm == "HS256" and self._settings.secret:
            claims = verified(token, self._settings.secret, "HS256", None, "")
        elif algorithm == "RS256" and self._keys is not None:
            key = await _key_of(self._keys, kid)
            audience, issuer = self._settings.audience or None, self._settings.issuer
            claims = verified(token, key, "RS256", audience, issuer)
        else:
            raise denied("token_signature", "tokens signed that way are not taken here")
        if is_ticket(claims):
            raise denied("ticket_misused", "a ticket is no token; it goes into ?ticket=")
        admin = claims.get(ADMIN) is True
        identity = Identity(user_of(claims), moment(claims, "exp") + LEEWAY, admin)
        self._tokens.put(token, identity, identity.expires_at)
        return identity

    def _ticket(self, ticket: str) -> Identity:
        algorithm, _ = header_of(ticket)
        if algorithm != "HS256" or not self._settings.secret:
            raise denied("token_signature", "tickets signed that way are not taken here")
        claims = verified(ticket, self._settings.secret, "HS256", None, "")
        if not is_ticket(claims):
            raise denied("ticket_misused", "a token is no ticket; get one at /v1/stream-tickets")
        identity = Identity(user_of(claims), moment(claims, "until"))
        self._tickets.put(ticket, identity, moment(claims, "exp") + LEEWAY)
        return identity


async def _key_of(keys: KeySet, kid: str | None) -> jwt.PyJWK:
    try:
        key = await keys.key(kid)
    except Unreachable:
        detail = "the keys that tokens are checked with are out of reach; try again"
        again = {"Retry-After": "10"}
        raise Problem("keys_unreachable", detail, headers=again) from None
    if key is None:
        raise denied("token_signature", "no key of the issuer's has the token's key id")
    return key
