"""The cursor: the position of a reader in every partition of `chat.log`.

It is `id:` in Server-Sent Events and `cursor` in long-poll, and opaque to clients: a digest of the
log's identity, and the `pos` that comes next in each partition. It does not depend on the state of
an edge, so a client can resume at any edge, and in another Kafka cluster.

Bytes: digest (4), a varint for each partition, a keyed checksum (4). In base64 that is under 128
characters for 24 partitions of two million events each, or for 8 of 34 thousand million.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from app.errors import CursorForeign, CursorMalformed

_DIGEST = 4
_CHECK = 4
_LONGEST = 256


class Cursor(NamedTuple):
    """`nexts[p]` is the `pos` of partition `p` that comes next, in the log of this digest."""

    digest: bytes
    nexts: tuple[int, ...]


def digest_of(log_id: str) -> bytes:
    """A short digest of a log's identity."""
    return blake2b(log_id.encode(), digest_size=_DIGEST).digest()


def encode(digest: bytes, nexts: Iterable[int], key: bytes) -> str:
    """A cursor as URL-safe ASCII, signed with the key of cursors (64 bytes at most)."""
    body = bytearray(digest)
    for value in nexts:
        while value > 0x7F:
            body.append(value & 0x7F | 0x80)
            value >>= 7
        body.append(value)
    body += blake2b(body, digest_size=_CHECK, key=key).digest()
    return urlsafe_b64encode(body).rstrip(b"=").decode()


def decode(token: str, keys: Iterable[bytes]) -> Cursor:
    """The cursor of a token.

    Raises `CursorMalformed` for a token of another form, `CursorForeign` for one that is signed
    with none of these keys.
    """
    body = _unwrapped(token)
    signed, check = body[:-_CHECK], body[-_CHECK:]
    if all(blake2b(signed, digest_size=_CHECK, key=key).digest() != check for key in keys):
        raise CursorForeign("this cursor was not made by this deployment, or was changed")
    return Cursor(signed[:_DIGEST], tuple(_varints(signed[_DIGEST:])))


def behind(nexts: Sequence[int], others: Sequence[int]) -> bool:
    """Whether any position of `others` is beyond that of `nexts`."""
    return any(other > own for own, other in zip(nexts, others, strict=True))


def _unwrapped(token: str) -> bytes:
    if len(token) > _LONGEST or not token.isascii():
        raise CursorMalformed("a cursor is at most 256 ASCII characters")
    try:
        body = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Base64Error, ValueError) as error:
        raise CursorMalformed("a cursor is URL-safe base64") from error
    if len(body) < _DIGEST + 1 + _CHECK or body[-_CHECK - 1] & 0x80:
        raise CursorMalformed("this cursor is cut short")
    return body


def _varints(body: bytes) -> Iterable[int]:
    value = shift = 0
    for byte in body:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value
            value = shift = 0
