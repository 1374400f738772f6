"""What moderation says of a message, and why a command is refused."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded


class Refusal(Struct, frozen=True):
    """Why not: a stable `code` for programs, a `reason` for people."""

    code: str
    reason: str


class Finding(Struct, frozen=True, omit_defaults=True):
    """What one rule of a set says of a message.

    `action` is `mask`, `hide`, `hold` or `refuse`, `matched` what of the rule's own was found,
    `spans` where: (start, end) in characters of the original text, without the end.
    """

    action: str
    rule: str
    reason: str
    matched: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


class Ruling(Struct, frozen=True, omit_defaults=True):
    """The verdict on a message: the strictest finding's action, and all findings from it down.

    `version` is that of the rule set. There is none where a message may pass.
    """

    action: str
    version: int
    findings: tuple[Finding, ...]


_rulings: Final[Decoder[Ruling]] = Decoder(Ruling)


def decode_ruling(value: bytes | None) -> Ruling:
    """The header `ruling` of a `chat.log` record; raises `Malformed` with what is wrong."""
    return decoded(_rulings, value)
