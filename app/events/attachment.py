"""The reference of a message to a file, in commands and log events."""

from __future__ import annotations

from msgspec import Struct


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file on another server; `size` in bytes."""

    url: str
    name: str = ""
    type: str = ""
    size: int = 0
