"""`chat.dead`: records that could not be processed."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded

#: Bytes of a record and characters of the reason that are kept, to fit into `chat.dead`.
_MAX_BYTES: Final = 1024 * 1024 + 64 * 1024
_MAX_REASON: Final = 1000


class Dead(Struct, frozen=True, kw_only=True):
    """A record that could not be processed, with its place, its group and the reason.

    `key` and `value` are the record's own, as base64 in JSON. A value larger than Kafka takes
    uncompressed is cut, and `reason` says so.
    """

    topic: str
    partition: int
    offset: int
    group: str
    reason: str
    value: bytes
    key: bytes = b""
    origin: int = 0

    @property
    def place(self) -> str:
        """The name of the record and group, which is also the key in `chat.dead`.

        It has the origin of the offset, if that is not the first: in a topic made anew another
        record has the same offset.
        """
        origin = f"~{self.origin}" if self.origin else ""
        return f"{self.topic}/{self.partition}/{self.offset}{origin}@{self.group}"


def dead_of(record: Any, group: str, reason: str, origin: int = 0) -> Dead:
    """The record of `chat.dead` for a record that the group could not process."""
    key, value = record.key or b"", record.value or b""
    kept = max(0, _MAX_BYTES - len(key))
    if len(value) > kept:
        reason = f"{reason[:_MAX_REASON]} (of {len(value)} bytes there are {kept})"
    return Dead(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        group=group,
        reason=reason[: _MAX_REASON + 100],
        value=value[:kept],
        key=key[:_MAX_BYTES],
        origin=origin,
    )


_dead: Final[Decoder[Dead]] = Decoder(Dead)


def decode_dead(value: bytes | None) -> Dead:
    """A `chat.dead` record; raises `Malformed` with the reason."""
    return decoded(_dead, value)
