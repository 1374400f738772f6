"""`chat.moderation`: what moderation did, kept long; `chat.sanctions` and `chat.rules`."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import decoded
from app.events.raw import SendMessage
from app.events.ruling import Ruling


class Act(Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Something that moderation did: `by` whom, in `room` (empty: everywhere), when."""

    id: str
    by: str
    at_ms: int
    room: str = ""


class Ruled(Act, frozen=True, kw_only=True, tag="ruled"):
    """The rules did not just let through what `by` wrote; `seq` where it was an edit."""

    client_id: str
    text: str
    ruling: Ruling
    seq: int = 0


class Held(Act, frozen=True, kw_only=True, tag="held"):
    """A message of `by` waits for somebody to look at it."""

    message: SendMessage
    ruling: Ruling


class Reported(Act, frozen=True, kw_only=True, tag="reported"):
    """`by` reports message `seq`, which `author` wrote and which said `text` then."""

    seq: int
    author: str
    text: str
    reason: str = ""


class Reviewed(Act, frozen=True, kw_only=True, tag="reviewed"):
    """`by` has looked at an item of the queue: `approve`, `reject`, `remove` or `dismiss`."""

    item: str
    action: str
    reason: str = ""


class Sanctioned(Act, frozen=True, kw_only=True, tag="sanctioned"):
    """`user` may not write anywhere (`mute`), or is shut out (`ban`); lifted: `sanction` empty.

    Also the record of `chat.sanctions`, keyed by user, of which the newest counts.
    """

    user: str
    sanction: str = ""
    until_ms: int = 0
    reason: str = ""


class RulesSet(Act, frozen=True, kw_only=True, tag="rules"):
    """`by` has put a rule set in force: the record of `chat.rules`, of which the newest counts.

    `source` is TOML, `lists` the word files that it names. Its version is its offset plus one.
    On `chat.moderation` it has the version and not the lists.
    """

    source: str
    lists: dict[str, tuple[str, ...]] = {}
    version: int = 0


AnyAct = Ruled | Held | Reported | Reviewed | Sanctioned | RulesSet

_acts: Final[Decoder[AnyAct]] = Decoder(AnyAct)


def decode_act(value: bytes | None) -> AnyAct:
    """A record of `chat.moderation`, `chat.sanctions` or `chat.rules`; raises `Malformed`."""
    return decoded(_acts, value)
