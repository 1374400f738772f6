"""The contents of each topic: its records, their keys and headers, its writers and its readers.

Writers and readers are the edge, the agents, and the worker that has these; commands of `parley`
write and read besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from app import topics
from app.domain.subscriptions import kinds
from app.events import (
    AT,
    EDGE,
    HOME,
    POS,
    RULING,
    SRC,
    TO,
    TRACEPARENT,
    AgentState,
    AnyAct,
    AnyBeginning,
    AnyCommand,
    AnyDelivery,
    AnyLogEvent,
    AnyNotify,
    AnyRevocation,
    Connection,
    Dead,
    Erasure,
    IncomingHook,
    Moderated,
    Receipt,
    RulesSet,
    Sanctioned,
    Subscription,
    Verdict,
    Written,
)

#: The process with the HTTP interface; all other names are those of agents.
EDGE_PROCESS: Final = "edge"

#: The process of the agents, where it writes or reads by itself, or each of them does.
WORKER_PROCESS: Final = "worker"


@dataclass(frozen=True, slots=True)
class TopicChannel:
    """A topic with the type of its records; `key` says what their key is.

    `headers` has those of a record by name, and what they say. A record without a value, where the
    topic is compacted, removes what has its key.
    """

    topic: str
    about: str
    key: str
    records: Any
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()


def _read_by(topic: str, *others: str) -> tuple[str, ...]:
    """The readers of a topic; subscriptions read what has events for services outside."""
    return (*others, "subscriptions") if topic in kinds.TOPICS else others


_E: Final = EDGE_PROCESS

#: Of a record of a traced message.
_TRACED: Final = (TRACEPARENT, "The span that it follows from, as W3C Trace Context says.")

#: Of a record that was copied from another region.
_HOME: Final = ((HOME, "The region that the record was copied from."),)

#: Of a record in whose place a newer one of another region may come.
_NEWEST: Final = (*_HOME, (AT, "When that region wrote it, in milliseconds."))

CHANNELS: Final = (
    TopicChannel(
        topics.RAW,
        "Commands, as edges and agents wrote them.",
        "The room.",
        AnyCommand,
        (_E, "regions", "rooms"),
        ("moderation",),
        (_TRACED,),
    ),
    TopicChannel(
        topics.AWAY,
        "Commands for rooms that are at home in another region.",
        "The room.",
        AnyCommand,
        ("moderation", "rooms"),
        ("regions",),
        ((TO, "The region that is to decide on it."), _TRACED),
    ),
    TopicChannel(
        topics.MODERATED,
        "Commands with their rulings or refusals.",
        "The room.",
        Moderated,
        ("moderation",),
        ("rooms",),
        (_TRACED,),
    ),
    TopicChannel(
        topics.LOG,
        "The events of all rooms: the record that everything can be made from.",
        "The room.",
        AnyLogEvent,
        ("rooms",),
        _read_by(topics.LOG, _E, "fan_out", "archive", "push"),
        (
            (POS, "The event's place in its partition's log: `pos`, or `epoch/pos`."),
            (SRC, "The command that it follows from: its offset, or `origin/offset`."),
            (EDGE, "The edge that waits for the answer."),
            (RULING, "What moderation has found, as JSON."),
            _TRACED,
            *_HOME,
        ),
    ),
    TopicChannel(
        topics.VERDICTS,
        "Refusals, repetitions and held messages, on their way back to an edge.",
        "The room.",
        Verdict,
        ("rooms", "regions"),
        _read_by(topics.VERDICTS, "answers"),
        _HOME,
    ),
    TopicChannel(
        topics.RECEIPTS,
        "Receipts: a user has read up to a `seq`.",
        "The room.",
        Receipt,
        (_E, "regions"),
        _read_by(topics.RECEIPTS, "receipts"),
        _HOME,
    ),
    TopicChannel(
        topics.CONNECTIONS,
        "Streams that opened and closed, users who began and stopped polling, and what edges say to"
        " other regions.",
        "The user.",
        Connection,
        (_E, "regions"),
        _read_by(topics.CONNECTIONS, "presence"),
        _HOME,
    ),
    TopicChannel(
        topics.DEAD,
        "Records that an agent could not process, with the reason.",
        "The record's place, and the group.",
        Dead,
        (WORKER_PROCESS,),
        (),
    ),
    TopicChannel(
        topics.ERASURES,
        "Forgotten users, and up to which positions.",
        "The user.",
        Erasure,
        ("regions",),
        ("fan_out", "archive", "regions"),
        _NEWEST,
    ),
    TopicChannel(
        topics.MODERATION,
        "Acts of moderation.",
        "The room, or the user of an act that holds everywhere.",
        AnyAct,
        (_E, "moderation", "rooms", "pace", "regions"),
        _read_by(topics.MODERATION, "review"),
        _HOME,
    ),
    TopicChannel(
        topics.RULES,
        "Rule sets; the newest counts.",
        "`rules`.",
        RulesSet,
        (_E, "regions"),
        (_E, "moderation", "regions"),
        _NEWEST,
    ),
    TopicChannel(
        topics.SANCTIONS,
        "Mutes and bans that hold everywhere; the newest of a user counts.",
        "The user.",
        Sanctioned,
        (_E, "pace", "regions"),
        (_E, "moderation", "regions"),
        _NEWEST,
    ),
    TopicChannel(
        topics.REVOCATIONS,
        "Tokens that were taken back.",
        "The user, or the `jti` of a token.",
        AnyRevocation,
        (_E, "regions"),
        (_E, "regions"),
        _NEWEST,
    ),
    TopicChannel(
        topics.PACE,
        "The time of each message, while a rule needs it.",
        "The user.",
        Written,
        ("moderation",),
        ("pace",),
    ),
    TopicChannel(
        topics.AGENTS,
        "Which agents of one's own are paused, and the revision of their tables.",
        "The agent.",
        AgentState,
        (),
        (WORKER_PROCESS,),
    ),
    TopicChannel(
        topics.SUBSCRIPTIONS,
        "Services outside that get events; the newest of a subscription counts.",
        "The subscription.",
        Subscription,
        (_E, "subscriptions"),
        (_E, "subscriptions"),
    ),
    TopicChannel(
        topics.DELIVERIES,
        "How far subscriptions are behind, and the events that they did not take.",
        "The subscription and the place.",
        AnyDelivery,
        ("subscriptions", "push"),
        _read_by(topics.DELIVERIES, _E),
    ),
    TopicChannel(
        topics.HOOKS,
        "Incoming webhooks, with digests of their tokens; the newest counts.",
        "The hook.",
        IncomingHook,
        (_E, "regions"),
        (_E, "regions"),
        _NEWEST,
    ),
    TopicChannel(
        topics.NOTIFY,
        "Levels, hours of quiet, and where users are called; the newest counts.",
        "The user, and a room or push subscription.",
        AnyNotify,
        (_E, "push"),
        (_E, "push"),
    ),
    TopicChannel(
        topics.DEPLOYMENT,
        "The deployment's id, the epochs and origins that have begun, and the homes of partitions.",
        "`deployment`.",
        AnyBeginning,
        (_E, WORKER_PROCESS, "regions"),
        (_E, WORKER_PROCESS),
        _HOME,
    ),
)
