"""Authentication by a JSON Web Token in `Authorization: Bearer`, or by a stream ticket."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aiohttp import hdrs

from app.domain import names
from app.domain.sanctions import Sanction, describe, holds
from app.errors import Unreachable
from app.runtime.admin_claim import AdminClaim
from app.runtime.clock import now_ms
from app.runtime.derived_keys import KeyRing
from app.settings import Settings
from web.auth.hs256_fast_path import claims
from web.auth.issuer_keys import ALGORITHMS
from web.auth.issuer_tokens import IssuerTokens, keys_unreachable
from web.auth.jwks import KeySet
from web.auth.jwt_rules import (
    CHARACTERS,
    LEEWAY,
    denied,
    header_of,
    is_ticket,
    issued_at,
    moment,
    token_id,
    user_of,
)
from web.auth.tickets import identity_of_ticket, verified_by_any
from web.auth.token_cache import Identity, TokenCache
from web.http.problem import Problem

_BEARER: Final = re.compile(rf"bearer +({CHARACTERS}) *", re.IGNORECASE)


class Refusals(Protocol):
    """The tokens that were taken back."""

    def refuses(self, user: str, issued_at: float, token_id: str) -> bool:
        """Whether a token of the user's, issued then and of this id, does not count any more."""


class Authenticator:
    """Turns tokens and tickets into identities.

    HS256 is checked against the secret alone, where the settings take such tokens; the algorithms
    of an issuer against its key set alone; any other is refused. A verified token is cached until
    it expires. `on_change` is called where identities that were given out may hold no longer.
    """

    def __init__(
        self,
        settings: Settings,
        sanction: Callable[[str], Sanction | None] = lambda _: None,
        revoked: Refusals | None = None,
        ring: KeyRing | None = None,
    ) -> None:
        self._sanction = sanction
        self._revoked = revoked
        self.ring = ring or KeyRing(settings.secret, settings.secret_other)
        self._admin = AdminClaim(settings.admin_claim)
        secrets = self.ring.secrets if settings.takes_hs256 else ()
        self._secrets = [secret.encode() for secret in secrets]
        self._tokens = TokenCache()
        self._tickets = TokenCache()
        #: Raised whenever earlier checks of tokens no longer count.
        self.generation = 0
        self.on_change: Callable[[], None] = lambda: None
        self._keys = KeySet(settings.jwks, self._forget) if settings.jwks else None
        self._issuer = None if self._keys is None else IssuerTokens(settings, self._keys)

    async def close(self) -> None:
        """End a fetch of keys that is under way."""
        if self._keys is not None:
            await self._keys.close()

    def recheck(self) -> None:
        """Check every caller again: with their next request, and those of open streams at once."""
        self.generation += 1
        self.on_change()

    def _forget(self) -> None:
        # A key may be there still, for other algorithms.
        self._tokens.clear()
        self.recheck()

    # ── requests ─────────────────────────────────────────────────────────────────────────────

    async def bearer(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Identity:
        """The caller of a request. Raises `Problem` 401, or 503 where keys are out of reach."""
        if "ticket" in query:
            raise denied("ticket_misused", "a ticket opens streams and long-polls, nothing else")
        return self._unless_shut_out(await self._bearer(headers))

    async def stream(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Identity:
        """The caller of a stream or long-poll: by `Authorization`, else by `?ticket=`."""
        ticket = query.get("ticket")
        if ticket is None or hdrs.AUTHORIZATION in headers:
            return self._unless_shut_out(await self._bearer(headers))
        known = self._tickets.get(ticket)
        return self._unless_shut_out(known if known is not None else await self._ticket(ticket))

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
        return None if known is None or self.shut_out(known) is not None else known

    def shut_out(self, identity: Identity) -> Problem | None:
        """Why an identity that was good does not count now; `None`: it does."""
        ban = self._sanction(identity.user)
        if ban is not None and ban.kind == "ban" and holds(ban, now_ms()):
            return Problem("banned", describe("You are banned", ban))
        revoked = self._revoked
        if revoked is not None and revoked.refuses(
            identity.user, identity.issued_at, identity.token_id
        ):
            return denied("token_revoked", "the token was taken back")
        if identity.signer and self._keys is not None and self._keys.lacks(identity.signer):
            return denied("token_signature", "the issuer has withdrawn the key of the token")
        return None

    def _unless_shut_out(self, identity: Identity) -> Identity:
        problem = self.shut_out(identity)
        if problem is not None:
            raise problem
        return identity

    # ── tokens ───────────────────────────────────────────────────────────────────────────────

    def _by_fast_path(self, token: str) -> Identity | None:
        """The identity of a token that the fast path accepts."""
        for secret in self._secrets:
            known = claims(token, secret, time.time(), LEEWAY)
            if known is not None:
                break
        else:
            return None
        if is_ticket(known) or names.user(known["sub"]) is not None:
            return None
        return self._keep(token, known, known["sub"], known["exp"] + LEEWAY)

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
        header = header_of(token)
        signer = ""
        try:
            if header.algorithm == "HS256" and self._secrets:
                claims = verified_by_any(token, self._secrets)
            elif header.algorithm in ALGORITHMS and self._issuer is not None:
                claims, signer = await self._issuer.verified(token, header)
            else:
                raise denied("token_signature", "tokens signed that way are not taken here")
        except Problem as problem:
            if problem.code == "token_signature" and self._is_own_ticket(token):
                raise _misused() from None
            raise
        if is_ticket(claims):
            raise _misused()
        return self._keep(token, claims, user_of(claims), moment(claims, "exp") + LEEWAY, signer)

    def _is_own_ticket(self, token: str) -> bool:
        """Whether this is a ticket, which another key signs than that of tokens."""
        try:
            identity_of_ticket(self.ring, token)
        except Problem:
            return False
        return True

    def _keep(
        self, token: str, claims: Mapping[str, Any], user: str, ends: float, signer: str = ""
    ) -> Identity:
        identity = Identity(
            user,
            ends,
            self._admin.holds(claims),
            opens_until=ends,
            issued_at=issued_at(claims),
            token_id=token_id(claims),
            signer=signer,
        )
        self._tokens.put(token, identity, ends)
        return identity

    async def _ticket(self, ticket: str) -> Identity:
        identity = identity_of_ticket(self.ring, ticket)
        if identity.signer:
            await self._require_key(identity.signer)
        self._tickets.put(ticket, identity, identity.opens_until)
        return identity

    async def _require_key(self, signer: str) -> None:
        """The issuer has the key still that signed the token of a ticket."""
        if self._keys is None:
            raise denied("token_signature", "the issuer of the ticket's token is not known here")
        try:
            there = await self._keys.has(signer)
        except Unreachable:
            raise keys_unreachable() from None
        if not there:
            raise denied("token_signature", "the issuer has withdrawn the key of the token")


def _misused() -> Problem:
    return denied("ticket_misused", "a ticket is no token; it goes into ?ticket=")
