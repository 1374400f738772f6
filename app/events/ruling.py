"""The ruling of moderation on a message, and the refusal of a command."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded


class Refusal(Struct, frozen=True):
    """Why a command is refused: a stable `code` for programs, a `reason` for people."""

    code: str
    reason: str


class Finding(Struct, frozen=True, omit_defaults=True):
    """What one rule of a set finds in a message.

    `action` is `mask`, `hide`, `hold` or `refuse`; `matched` are the phrases, domains or names of
    the rule that were found, `spans` their places: (start, end) in characters of the original text,
    without the end.
    """

    action: str
    rule: str
    reason: str
    matched: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


class Ruling(Struct, frozen=True, omit_defaults=True):
    """The ruling on a message: the strictest action, and all findings from the strictest down.

    `version` is that of the rule set. A message that may pass has no ruling.
    """

    action: str
    version: int
    findings: tuple[Finding, ...]


_rulings: Final[Decoder[Ruling]] = Decoder(Ruling)


def decode_ruling(value: bytes | None) -> Ruling:
    """The header `ruling` of a `chat.log` record; raises `Malformed` with the reason."""
    return decoded(_rulings, value)
