"""`chat.revocations`: tokens that were taken back before their time."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class TokensRevoked(Struct, frozen=True, kw_only=True, tag="tokens.revoked", tag_field="kind"):
    """Tokens of `user` that were issued before `not_before` (Unix seconds) do not count.

    Nor do tokens of theirs that do not say when they were issued. The latest time counts.
    """

    user: str
    not_before: Natural
    by: str
    at_ms: Natural


class TokenRevoked(Struct, frozen=True, kw_only=True, tag="token.revoked", tag_field="kind"):
    """The token with this `jti` does not count, whoever it is of.

    `until` is the Unix time at which the token ends by itself, and 0 where that is not known.
    """

    jti: str
    by: str
    at_ms: Natural
    until: Natural = 0


AnyRevocation = TokensRevoked | TokenRevoked

_revocations: Final[Decoder[AnyRevocation]] = Decoder(AnyRevocation)


def decode_revocation(value: bytes | None) -> AnyRevocation:
    """A `chat.revocations` record; raises `Malformed` with the reason."""
    return decoded(_revocations, value)


def revocation_key(revocation: AnyRevocation) -> str:
    """The key of the record: one for each person, and one for each token."""
    if isinstance(revocation, TokensRevoked):
        return f"user/{revocation.user}"
    return f"jti/{revocation.jti}"
