"""`chat.dead`: what could not be used."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded

#: Bytes of a record that are kept, and characters of the reason: that fits into `chat.dead`.
_MOST: Final = 1024 * 1024 + 64 * 1024
_REASON: Final = 1000


class Dead(Struct, frozen=True, kw_only=True):
    """A record that could not be used, where it stood, and why.

    `key` and `value` are the record's own, as base64 in JSON. Of a value that is larger than Kafka
    takes uncompressed there is the beginning, and `reason` says so.
    """

    topic: str
    partition: int
    offset: int
    group: str
    reason: str
    value: bytes
    key: bytes = b""

    @property
    def place(self) -> str:
        """Which record of which group it is: the key in `chat.dead`, and its name for people."""
        return f"{self.topic}/{self.partition}/{self.offset}@{self.group}"


def dead_of(record: Any, group: str, reason: str) -> Dead:
    """A record of the group's that could not be used, as `chat.dead` takes it."""
    key, value = record.key or b"", record.value or b""
    kept = max(0, _MOST - len(key))
    if len(value) > kept:
        reason = f"{reason[:_REASON]} (of {len(value)} bytes there are {kept})"
    return Dead(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        group=group,
        reason=reason[: _REASON + 100],
        value=value[:kept],
        key=key[:_MOST],
    )


_dead: Final[Decoder[Dead]] = Decoder(Dead)


def decode_dead(value: bytes | None) -> Dead:
    """A `chat.dead` record; raises `Malformed` with what is wrong."""
    return decoded(_dead, value)
