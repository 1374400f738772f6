"""The keys of a JSON Web Key Set that may check signatures, each with its algorithms."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: The algorithms of an issuer's tokens (RFC 7518, RFC 8037), all of them asymmetric.
ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA"})

#: The least bits of an RSA key (RFC 7518, 3.3).
RSA_BITS: Final = 2048

_CURVE: Final = {"EC": ("P-256", "ES256"), "OKP": ("Ed25519", "EdDSA")}

#: A public key's members that its thumbprint is made of (RFC 7638, RFC 8037), and all that count.
_MEMBERS: Final = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


class IssuerKey(NamedTuple):
    """A public key, its id if it has one, and the algorithms that it checks.

    `thumbprint` is its name in other places: the same key has the same one (RFC 7638).
    """

    kid: str | None
    algorithms: frozenset[str]
    key: Any
    thumbprint: str


def issuer_keys(content: bytes) -> list[IssuerKey]:
    """The keys of a key set as JSON, without those that can't check a token's signature.

    Raises `ValueError` or `RecursionError` for what is no key set.
    """
    found = msgspec.json.decode(content, type=_Set).keys
    return [key for raw in found if (key := _issuer_key(raw)) is not None]


def _issuer_key(raw: Mapping[str, Any]) -> IssuerKey | None:
    algorithms = _algorithms(raw)
    if not algorithms:
        return None
    kid, kty = raw.get("kid"), str(raw["kty"])
    # Private members, if there are any, are left out.
    public = {name: raw.get(name) for name in _MEMBERS[kty]}
    try:
        key = PyJWK(public, algorithm=min(algorithms)).key
    except (PyJWTError, ValueError, TypeError) as error:
        log.warning("a key of the key set can't be used", kid=kid, error=str(error))
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
        log.warning("a key of the key set is too short", kid=kid, bits=key.key_size)
        return None
    return IssuerKey(kid if isinstance(kid, str) else None, algorithms, key, _thumbprint(public))


def _algorithms(raw: Mapping[str, Any]) -> frozenset[str]:
    """The algorithms by which the key may check signatures; none for a key of another use."""
    operations = raw.get("key_ops", ["verify"])
    if raw.get("use", "sig") != "sig" or not isinstance(operations, list):
        return frozenset()
    if "verify" not in operations:
        return frozenset()
    kty = raw.get("kty")
    if kty == "RSA":
        possible = frozenset({"RS256", "PS256"})
    elif isinstance(kty, str) and kty in _CURVE and raw.get("crv") == _CURVE[kty][0]:
        possible = frozenset({_CURVE[kty][1]})
    else:
        return frozenset()
    named = raw.get("alg")
    return possible if named is None else possible & {str(named)}


def _thumbprint(public: Mapping[str, Any]) -> str:
    digest = sha256(msgspec.json.encode(public)).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
