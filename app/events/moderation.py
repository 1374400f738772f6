"""`chat.moderation`, the audit log of moderation; `chat.sanctions` and `chat.rules`."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded
from app.events.raw import SendMessage
from app.events.ruling import Ruling


class Act(Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """A moderation action: `by` whom, in which `room` (empty: everywhere), and when."""

    id: str
    by: str
    at_ms: int
    room: str = ""


class Ruled(Act, frozen=True, kw_only=True, tag="ruled"):
    """The rules caught a text of `by`; `seq` is set for an edit."""

    client_id: str
    text: str
    ruling: Ruling
    seq: int = 0


class Held(Act, frozen=True, kw_only=True, tag="held"):
    """A message of `by` is held for review."""

    message: SendMessage
    ruling: Ruling


class Reported(Act, frozen=True, kw_only=True, tag="reported"):
    """`by` reports message `seq` of `author`, which had this `text` then."""

    seq: int
    author: str
    text: str
    reason: str = ""


class Reviewed(Act, frozen=True, kw_only=True, tag="reviewed"):
    """`by` has decided on an item of the review queue: `approve`, `reject`, `remove`, `dismiss`."""

    item: str
    action: str
    reason: str = ""


class Sanctioned(Act, frozen=True, kw_only=True, tag="sanctioned"):
    """`user` may not write anywhere (`mute`), or is banned everywhere (`ban`); empty: lifted.

    Also the record of `chat.sanctions`, keyed by user, of which the newest is valid.
    """

    user: str
    sanction: str = ""
    until_ms: int = 0
    reason: str = ""


class RulesSet(Act, frozen=True, kw_only=True, tag="rules"):
    """`by` has activated a rule set: the record of `chat.rules`, of which the newest is active.

    `source` is TOML, `lists` are the word files that it names. `version` is one more than that of
    the set before it, in every cluster; in the first sets it is 0: the offset plus one counts.
    On `chat.moderation` the record has no lists.
    """

    source: str
    lists: dict[str, tuple[str, ...]] = {}
    version: int = 0


AnyAct = Ruled | Held | Reported | Reviewed | Sanctioned | RulesSet

_acts: Final[Decoder[AnyAct]] = Decoder(AnyAct)


def decode_act(value: bytes | None) -> AnyAct:
    """A record of `chat.moderation`, `chat.sanctions` or `chat.rules`; raises `Malformed`."""
    return decoded(_acts, value)
