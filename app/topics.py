"""The topics, and the partition of a room in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

try:
    from app.runtime._murmur2 import murmur2
except ImportError:  # set up without a C compiler
    from app.runtime.murmur2 import murmur2

RAW = "chat.raw"
AWAY = "chat.away"
MODERATED = "chat.moderated"
LOG = "chat.log"
VERDICTS = "chat.verdicts"
RECEIPTS = "chat.receipts"
CONNECTIONS = "chat.connections"
DEAD = "chat.dead"
ERASURES = "chat.erasures"
MODERATION = "chat.moderation"
RULES = "chat.rules"
SANCTIONS = "chat.sanctions"
PACE = "chat.pace"
REVOCATIONS = "chat.revocations"
DEPLOYMENT = "chat.deployment"
AGENTS = "chat.agents"
SUBSCRIPTIONS = "chat.subscriptions"
DELIVERIES = "chat.deliveries"
HOOKS = "chat.hooks"
NOTIFY = "chat.notify"

#: Exists while a copy of a deployment arrives in this cluster: until then nothing may start here.
COPYING = "chat.copying"

#: The largest rule set, in bytes as JSON.
RULES_BYTES = 8 * 1024 * 1024

#: The largest record of `chat.dead`. It has room for any record of another topic, 1 MiB, in base64,
#: which is a third more, with its place and the reason.
DEAD_BYTES = 2 * 1024 * 1024

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Topic:
    """A topic as Parley creates it; `config` is Kafka's own."""

    name: str
    config: dict[str, str] = field(default_factory=dict)


def _kept(ms: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(ms)}


#: `chat.log` is the record of what happened and never expires. `chat.raw` and `chat.moderated` keep
#: their records for a week, so that workers can be down over a long weekend without a loss.
TOPICS = (
    Topic(RAW, _kept(7 * _DAY_MS)),
    # Commands for rooms that are at home in another region: empty where there is one region.
    Topic(AWAY, _kept(7 * _DAY_MS)),
    Topic(MODERATED, _kept(7 * _DAY_MS)),
    Topic(LOG, _kept(-1)),
    Topic(VERDICTS, _kept(_DAY_MS)),
    Topic(RECEIPTS, _kept(-1)),
    Topic(CONNECTIONS, _kept(_DAY_MS)),
    # Keyed by place: a record that died twice is there once, and a tombstone removes it.
    Topic(
        DEAD,
        {
            "cleanup.policy": "compact,delete",
            "retention.ms": str(30 * _DAY_MS),
            "max.message.bytes": str(DEAD_BYTES),
        },
    ),
    Topic(ERASURES, {"cleanup.policy": "compact"}),
    Topic(MODERATION, _kept(400 * _DAY_MS)),
    # A rule set carries its word lists: 30,000 phrases are about half a megabyte.
    Topic(RULES, {"cleanup.policy": "compact", "max.message.bytes": str(RULES_BYTES)}),
    Topic(SANCTIONS, {"cleanup.policy": "compact"}),
    Topic(REVOCATIONS, {"cleanup.policy": "compact"}),
    Topic(PACE, _kept(_DAY_MS // 24)),
    Topic(AGENTS, {"cleanup.policy": "compact"}),
    Topic(SUBSCRIPTIONS, {"cleanup.policy": "compact"}),
    # Keyed by subscription and place: the newest counts, and a tombstone removes a failure.
    Topic(DELIVERIES, {"cleanup.policy": "compact,delete", "retention.ms": str(30 * _DAY_MS)}),
    Topic(HOOKS, {"cleanup.policy": "compact"}),
    # Keyed by user and what it is about, on the user's partition: the newest counts.
    Topic(NOTIFY, {"cleanup.policy": "compact"}),
    # Not compacted: the first record of an id or epoch counts, not the last.
    Topic(DEPLOYMENT, _kept(-1)),
)


#: The topics that regions have of each other, each under the name of the region that wrote it.
MIRRORED = (
    *(AWAY, LOG, VERDICTS, RECEIPTS, CONNECTIONS, MODERATION),
    *(RULES, SANCTIONS, REVOCATIONS, ERASURES, HOOKS, DEPLOYMENT),
)


def of_region(region: str, name: str) -> str:
    """A region's topic in the Kafka clusters of the others, under the name that mirrors give it."""
    return f"{region}.{name}"


def mirrored_topics(regions: Iterable[str]) -> tuple[Topic, ...]:
    """The topics of other regions as Parley creates them here, with the settings of its own."""
    return tuple(
        Topic(of_region(region, topic.name), topic.config)
        for region in regions
        for topic in TOPICS
        if topic.name in MIRRORED
    )


def retention_ms(name: str) -> int:
    """How long a topic keeps a record, in milliseconds, as Parley creates it; -1 for ever."""
    return next(int(topic.config["retention.ms"]) for topic in TOPICS if topic.name == name)


def changelog(group: str, table: str) -> Topic:
    """The changelog topic of a table, under the name that Faust gives it.

    The last hour is not compacted. So a recovery still sees a value that a worker overwrote with an
    older one when it woke from a long sleep, and restores it (`Table.recover`).
    """
    return Topic(
        f"{group}-{table}-changelog",
        {"cleanup.policy": "compact", "min.compaction.lag.ms": str(60 * 60 * 1000)},
    )


def retry_topic(group: str) -> Topic:
    """The topic for records that `parley dead` sends again to one group alone."""
    return Topic(f"{group}-again", _kept(30 * _DAY_MS))


def partition_of(key: str, partitions: int) -> int:
    """The partition of a room or, in some topics, of a user, by the rule of Kafka's clients."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def wrong_partition(key: str, partition: int, partitions: int) -> str:
    """Why a record of a room or user can't be used on this partition; empty if it is the right one.

    A room has one order because it has one partition.
    """
    if partition_of(key, partitions) == partition:
        return ""
    return f"a record of {key!r} belongs on another partition"
