"""Encoding and decoding of events."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from app.errors import Malformed

T = TypeVar("T")

#: A number or time in records of others; a larger one could not be stored.
Natural = Annotated[int, Meta(ge=0, le=2**53)]

#: Characters of an error text, which may quote a value of a megabyte.
_ERROR_LENGTH = 300

_encoder = msgspec.json.Encoder()


def encode(event: Struct) -> bytes:
    """The bytes of an event for Kafka."""
    return _encoder.encode(event)


def decoded(decoder: msgspec.json.Decoder[T], value: bytes | None) -> T:
    """The event of a record's value; raises `Malformed` with the reason."""
    if value is None:
        raise Malformed("the record has no value")
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)[:_ERROR_LENGTH]) from error
