"""Records of a topic that Parley can't process, and which group has to report them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaProducer
from msgspec import Struct

from app.domain.versioned_value import wrap
from app.events import (
    EDGE,
    POS,
    RULING,
    SRC,
    AgentState,
    Connection,
    DeploymentMade,
    Erasure,
    IncomingHook,
    Moderated,
    NotifyUser,
    Receipt,
    Reported,
    RulesSet,
    Sanctioned,
    SendMessage,
    Subscription,
    SubscriptionPaused,
    TokensRevoked,
    Verdict,
    Written,
    encode,
)
from app.topics import (
    AGENTS,
    AWAY,
    CONNECTIONS,
    DEAD,
    DELIVERIES,
    DEPLOYMENT,
    ERASURES,
    HOOKS,
    LOG,
    MODERATED,
    MODERATION,
    NOTIFY,
    PACE,
    RAW,
    RECEIPTS,
    REVOCATIONS,
    RULES,
    SANCTIONS,
    SUBSCRIPTIONS,
    VERDICTS,
    partition_of,
)
from tests.delivery.conftest import message, opened

MIB = 1024 * 1024

GARBAGE: tuple[bytes | None, ...] = (
    None,
    b"",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b"7",
    b'{"kind": "message.send"}',
    b'{"kind": "message.created", "room": 7}',
    b"{" * 100_000,
    b"[" * 100_000,
    b"\xff" * (MIB - 200),
    b'{"kind": "' + b"x" * (MIB - 1000) + b'"}',
)

HEADERS: tuple[list[tuple[str, bytes | None]], ...] = (
    [],
    [(SRC, b"no number"), (EDGE, b"\xff\xfe"), (RULING, b"{")],
    [(POS, b"1/2/3"), (SRC, b"1")],
    [(SRC, None), (EDGE, None), (RULING, None), (EDGE, b"x")],
)

#: Nobody else is called so, nor is any room of a test.
STRAY = "stray"
_ID = str(UUID(int=1))
_STAMP = {"room": STRAY, "by": STRAY, "id": _ID, "client_id": "c"}
_ACT = {"id": _ID, "by": STRAY, "at_ms": 1}
_SAID = SendMessage(**_STAMP, text="x")

#: Of each topic a record as it may well be there; `None` of what has one place only.
RIGHT: dict[str, Struct] = {
    RAW: _SAID,
    AWAY: _SAID,
    MODERATED: Moderated(src=1, at_ms=1, command=_SAID),
    LOG: opened(STRAY),
    VERDICTS: Verdict(**_STAMP, edge="nowhere"),
    RECEIPTS: Receipt(room=STRAY, by=STRAY, seq=3, id=_ID),
    CONNECTIONS: Connection(
        user=STRAY, what="open", edge="e", connection="c", transport="sse", at_ms=1
    ),
    ERASURES: Erasure(user=STRAY, until_ms=1),
    MODERATION: Reported(**_ACT, room=STRAY, seq=1, author=STRAY, text="x"),
    RULES: RulesSet(**_ACT, source="no rules = at all"),
    REVOCATIONS: TokensRevoked(user=STRAY, not_before=1, by=STRAY, at_ms=1),
    SANCTIONS: Sanctioned(**_ACT, user=STRAY, sanction="ban"),
    PACE: Written(STRAY, 1),
    AGENTS: AgentState(name=STRAY, by=STRAY, at_ms=1),
    SUBSCRIPTIONS: Subscription(
        id=STRAY, by=STRAY, at_ms=1, url="http://127.0.0.1:9/", paused=True
    ),
    NOTIFY: NotifyUser(user=STRAY, at_ms=1, level="none"),
    DELIVERIES: SubscriptionPaused(subscription=STRAY, at_ms=1, why="x"),
    HOOKS: IncomingHook(id=STRAY, room=STRAY, user="hook-x", by=STRAY, at_ms=1, digest="0"),
    DEPLOYMENT: DeploymentMade(id=STRAY, at_ms=1),
}

#: The groups that read a topic and say in `chat.dead` what they could not use. `fan_out` leaves
#: that to the archive where it is no event at all.
BURIED_BY = {
    RAW: "parley-pipeline",
    MODERATED: "parley-pipeline",
    LOG: "parley-archive",
    VERDICTS: "parley-fan_out",
    RECEIPTS: "parley-receipts",
    CONNECTIONS: "parley-presence",
    MODERATION: "parley-archive",
    PACE: "parley-pace",
}

#: Records that are valid in any topic, or harmless in the wrong one.
ANYWHERE = frozenset({VERDICTS, MODERATION, ERASURES})

TOPICS = (*RIGHT, DEAD)


class Poison(NamedTuple):
    """A record for a partition; a value that is too large is left out of a changelog."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def garbage() -> Iterator[Poison]:
    """A record that belongs to none of the topics."""
    for value in GARBAGE:
        yield Poison(b"k", value)
    for headers in HEADERS:
        yield Poison(b"k", b"{}", headers)
    for value in (b"{}", b"\xff", b""):
        yield Poison(None, value)


def wrong_partition(topic: str, partition: int, partitions: int) -> Iterator[Poison]:
    """Good records of the topic, where they don't belong."""
    key = "rules" if topic == RULES else STRAY
    if topic in RIGHT and partition != partition_of(key, partitions):
        for headers in HEADERS:
            yield Poison(key.encode(), encode(RIGHT[topic]), headers)


def in_changelogs() -> Iterator[Poison]:
    """A record that belongs to none of the tables."""
    for value in GARBAGE:
        yield Poison(b"k", value)
        yield Poison(f"{STRAY}/{STRAY}".encode(), value)
    yield Poison(b"k", wrap(1 << 60, b"x"))


class Poisoner:
    """Writes it. `async with Poisoner(settings) as poisoner: …`"""

    def __init__(self, bootstrap: list[str]) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", max_request_size=2 * MIB
        )

    async def __aenter__(self) -> Poisoner:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def write(self, topic: str, partition: int, poison: Poison, **more: Any) -> str:
        """Write one; where it is, as `parley dead list` names it without its group."""
        headers: Any = list(poison.headers)
        written = await self._producer.send_and_wait(
            topic, poison.value, key=poison.key, partition=partition, headers=headers, **more
        )
        return f"{topic}/{partition}/{written.offset}"


def beyond(room: str, n: int) -> Poison:
    """An event that the room can't have for long."""
    headers = [(SRC, b"1"), (EDGE, b"e")]
    return Poison(room.encode(), encode(message(room, n, n - 1)), headers)
