"""Web Push: the encryption of a payload to a browser (RFC 8291), and the sender's key (RFC 8292).

On the primitives of `cryptography`: docs/decisions/push.md says why.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import Malformed

#: The bytes of a body that every push service takes (RFC 8030, 7.2), and of a payload in it: a body
#: has a header of 86 bytes, one byte that ends the payload, and a tag of 16.
BODY_BYTES: Final = 4096
PAYLOAD_BYTES: Final = BODY_BYTES - 86 - 1 - 16

_SALT: Final = 16
_POINT: Final = 65
_AUTH: Final = 16

#: Seconds for which a signature counts, at most a day (RFC 8292, 2), and for which it is used.
_SIGNED: Final = 12 * 60 * 60
_USED: Final = 6 * 60 * 60

_CURVE: Final = ec.SECP256R1()


class BrowserKeys(NamedTuple):
    """The keys of a browser: the point `p256dh`, and the secret `auth`."""

    p256dh: bytes
    auth: bytes


def browser_keys(p256dh: str, auth: str) -> BrowserKeys:
    """The keys in base64url; raises `Malformed` with what is wrong."""
    keys = BrowserKeys(_decoded(p256dh), _decoded(auth))
    if len(keys.auth) != _AUTH:
        raise Malformed(f"auth has {_AUTH} bytes in base64url")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, keys.p256dh)
    except ValueError:
        raise Malformed("p256dh is a point of the curve P-256 in base64url") from None
    if len(keys.p256dh) != _POINT:
        raise Malformed(f"p256dh has {_POINT} bytes in base64url")
    return keys


def encrypted(payload: bytes, keys: BrowserKeys) -> bytes:
    """The body of a request that only the browser can read, in the coding `aes128gcm`."""
    return encrypted_with(payload, keys, ec.generate_private_key(_CURVE), os.urandom(_SALT))


def encrypted_with(
    payload: bytes, keys: BrowserKeys, own: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """The body, with a key and a salt that are used once: RFC 8291, 3.4, in one record."""
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, keys.p256dh)
    sender = _point(own)
    info = b"WebPush: info\0" + keys.p256dh + sender
    secret = _derived(own.exchange(ec.ECDH(), theirs), keys.auth, info, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, payload + b"\2", None)
    head = salt + BODY_BYTES.to_bytes(4, "big") + bytes([len(sender)]) + sender
    return head + sealed


class SenderKey:
    """The key pair by which push services know this deployment (VAPID).

    `private` is 32 bytes in base64url, `contact` a `mailto:` or `https:` URL, or empty.
    """

    def __init__(self, private: str, contact: str = "") -> None:
        number = int.from_bytes(_decoded(private), "big")
        try:
            self._key = ec.derive_private_key(number, _CURVE)
        except ValueError:
            raise Malformed("this is no private key of the curve P-256") from None
        self._contact = contact
        #: The public key as pages and push services take it.
        self.public = _encoded(_point(self._key))
        self._known: dict[str, tuple[int, str]] = {}

    def authorization(self, endpoint: str, now: int) -> str:
        """The header `Authorization` of a request at `now`, in Unix seconds."""
        parts = urlsplit(endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        known = self._known.get(origin)
        if known is None or not known[0] <= now < known[0] + _USED:
            claims: dict[str, object] = {"aud": origin, "exp": now + _SIGNED}
            if self._contact:
                claims["sub"] = self._contact
            token = jwt.encode(claims, self._key, algorithm="ES256")
            known = self._known[origin] = (now, f"vapid t={token}, k={self.public}")
        return known[1]


def new_private_key() -> str:
    """A private key for `PARLEY_PUSH_KEY`."""
    number = ec.generate_private_key(_CURVE).private_numbers().private_value
    return _encoded(number.to_bytes(32, "big"))


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (Error, ValueError):
        raise Malformed("this is no base64url") from None
