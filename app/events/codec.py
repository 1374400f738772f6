"""How events become bytes, and bytes events."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from app.errors import Malformed

T = TypeVar("T")

#: A number or time in records of others. What is beyond would be too large for where it is kept.
Natural = Annotated[int, Meta(ge=0, le=2**53)]

#: Characters of what is wrong: it may quote a value of a megabyte.
_WRONG = 300

_encoder = msgspec.json.Encoder()


def encode(event: Struct) -> bytes:
    """An event as the bytes that go into Kafka."""
    return _encoder.encode(event)


def decoded(decoder: msgspec.json.Decoder[T], value: bytes | None) -> T:
    """The event that a record's value holds; raises `Malformed` with what is wrong."""
    if value is None:
        raise Malformed("the record has no value")
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)[:_WRONG]) from error
