"""A file that a message points to, as commands and log events carry it."""

from __future__ import annotations

from msgspec import Struct


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that lies elsewhere; `size` in bytes."""

    url: str
    name: str = ""
    type: str = ""
    size: int = 0
