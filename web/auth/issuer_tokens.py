"""The tokens of an issuer, which are checked against its key set."""

from __future__ import annotations

from typing import Any, Final

from app.errors import Unreachable
from app.settings import Settings
from web.auth.issuer_keys import IssuerKey
from web.auth.jwks import KeySet
from web.auth.jwt_rules import TokenHeader, denied, verified
from web.http.problem import Problem

#: What an issuer calls its tokens, where the settings ask for nothing else: a JSON Web Token
#: (RFC 7519), or an access token (RFC 9068). Those for another use have another type (RFC 8725).
_TYPES: Final = frozenset({"", "jwt", "at+jwt"})


class IssuerTokens:
    """Verifies tokens by the keys of an issuer.

    `iss` and `aud` have to be as the settings say: an issuer's keys sign for other services, too.
    """

    def __init__(self, settings: Settings, keys: KeySet) -> None:
        self._keys = keys
        self._audience = settings.audience
        self._issuer = settings.issuer
        self._types = frozenset({_type(settings.token_type)}) if settings.token_type else _TYPES

    async def verified(self, token: str, header: TokenHeader) -> tuple[dict[str, Any], str]:
        """The claims of a token, and the thumbprint of the key that signed it.

        Raises `Problem` 401, or 503 where the keys are out of reach.
        """
        if not (self._issuer and self._audience):
            raise denied("token_claims", "this edge does not know which tokens are meant for it")
        if _type(header.type) not in self._types:
            raise denied("token_claims", "tokens of this type are not taken here")
        try:
            found = await self._keys.keys(header.algorithm, header.kid)
            try:
                return self._by_any(token, header, found)
            except Problem as problem:
                if problem.code != "token_signature":
                    raise
            # The issuer may have another key under the same id, or another one without any.
            newer = await self._keys.newer_keys(header.algorithm, header.kid)
        except Unreachable:
            raise keys_unreachable() from None
        known = {key.thumbprint for key in found}
        return self._by_any(token, header, [key for key in newer if key.thumbprint not in known])

    def _by_any(
        self, token: str, header: TokenHeader, keys: list[IssuerKey]
    ) -> tuple[dict[str, Any], str]:
        refusal = denied("token_signature", "no key of the issuer's has signed the token")
        for key in keys:
            try:
                claims = verified(token, key.key, header.algorithm, self._audience, self._issuer)
            except Problem as problem:
                if problem.code != "token_signature":
                    raise
                refusal = problem
            else:
                return claims, key.thumbprint
        raise refusal


def keys_unreachable() -> Problem:
    """A 503: it is not the caller's fault."""
    detail = "the keys that tokens are checked with are out of reach; try again"
    return Problem("keys_unreachable", detail)


def _type(name: str) -> str:
    return name.lower().removeprefix("application/")
