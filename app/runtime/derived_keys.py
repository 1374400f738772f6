"""Keys for one purpose each, derived from the secret, and the ring of an old and a new secret.

A key is HKDF-SHA256 (RFC 5869) of the secret; its `info` is the purpose and further parts, each
with its length before it. So no two purposes share a key, and no text of one purpose can be read as
that of another. A holder of one key, such as the service behind a hook, can make nothing of the
others. docs/decisions/derived-keys.md has the reasons, and why the first forms are still accepted.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_LABEL: Final = "parley/1"
_BYTES: Final = 32


class Purpose(StrEnum):
    """What a key is for."""

    ATTACHMENT = "attachment"
    CURSOR = "cursor"
    DIRECT_ROOM = "direct-room"
    HOOK = "hook"
    KEY_ID = "key-id"
    NEW_ROOM = "new-room"
    SUBSCRIPTION = "subscription"
    SUBSCRIPTION_SEAL = "subscription-seal"
    TICKET = "ticket"


def length_prefixed(*parts: str) -> bytes:
    """The parts as UTF-8, each behind its length in four bytes, so that no two lists are alike."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


@lru_cache(256)
def derive(secret: str, purpose: Purpose, *parts: str) -> bytes:
    """The key of 32 bytes for a purpose, and for these parts alone where there are any."""
    info = length_prefixed(_LABEL, purpose, *parts)
    return HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=info).derive(secret.encode())


def key_id(secret: str) -> str:
    """The public name of a secret, from which the secret can't be told: 8 hexadecimal digits."""
    return derive(secret, Purpose.KEY_ID)[:4].hex()


class RingKey(NamedTuple):
    """A key with the id of its secret; `derived` is false for the key of the first form."""

    key: bytes
    id: str
    derived: bool


class KeyRing:
    """The keys of the secret and, while it changes, of a second one that signs nothing.

    With `derived=False` the ring signs in the first form, which the edges of earlier versions
    accept, too. It always accepts both forms.
    """

    def __init__(self, secret: str, other: str = "", *, derived: bool = True) -> None:
        #: The secrets, first the one that signs; none where none is set.
        self.secrets = tuple(dict.fromkeys(filter(None, (secret, other))))
        self._derived = derived

    def keys(self, purpose: Purpose, first_form: bytes = b"") -> list[RingKey]:
        """All keys that count for a purpose, first the one that signs.

        In the first form it is the secret itself, or a BLAKE2 digest of it with `first_form` as
        the personalization.
        """
        found: list[RingKey] = []
        for secret in self.secrets:
            name = key_id(secret)
            forms = [
                RingKey(derive(secret, purpose), name, derived=True),
                RingKey(_first_key(secret, first_form), name, derived=False),
            ]
            found += forms if self._derived else reversed(forms)
        return found

    def digests(self, purpose: Purpose, parts: Sequence[str], first_form: str = "") -> list[bytes]:
        """The digests (HMAC-SHA256) of some parts that count, first the one to give out.

        `first_form` is the text of the first form; empty: that form does not count.
        """
        found = []
        for one in self.keys(purpose):
            if one.derived:
                found.append(hmac.digest(one.key, length_prefixed(*parts), "sha256"))
            elif first_form:
                found.append(hmac.digest(one.key, first_form.encode(), "sha256"))
        return found


def _first_key(secret: str, personal: bytes) -> bytes:
    if not personal:
        return secret.encode()
    return blake2b(secret.encode(), digest_size=32, person=personal).digest()
