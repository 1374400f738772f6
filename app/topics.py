"""The topics, and which partition of them is a room's."""

from __future__ import annotations

from dataclasses import dataclass, field

try:
    from app.runtime._murmur2 import murmur2
except ImportError:  # set up without a C compiler
    from app.runtime.murmur2 import murmur2

RAW = "chat.raw"
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

#: The largest rule set, in bytes as JSON.
RULES_BYTES = 8 * 1024 * 1024

#: The largest record of `chat.dead`. It holds any that Kafka takes elsewhere, 1 MiB, in base64,
#: which is a third more, with where it stood and why.
DEAD_BYTES = 2 * 1024 * 1024

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Topic:
    """A topic as Parley creates it; `config` is Kafka's own."""

    name: str
    config: dict[str, str] = field(default_factory=dict)


def _kept(ms: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(ms)}


#: `chat.log` is the record of what happened and is never dropped by age. The others are ways
#: through: a week lets a worker be away over a long weekend and lose nothing.
TOPICS = (
    Topic(RAW, _kept(7 * _DAY_MS)),
    Topic(MODERATED, _kept(7 * _DAY_MS)),
    Topic(LOG, _kept(-1)),
    Topic(VERDICTS, _kept(_DAY_MS)),
    Topic(RECEIPTS, _kept(-1)),
    Topic(CONNECTIONS, _kept(_DAY_MS)),
    # By place: buried twice is there once, and what was sent again or dropped goes by its key.
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
    # A rule set has its word lists with it: 30,000 phrases are about half a megabyte.
    Topic(RULES, {"cleanup.policy": "compact", "max.message.bytes": str(RULES_BYTES)}),
    Topic(SANCTIONS, {"cleanup.policy": "compact"}),
    Topic(PACE, _kept(_DAY_MS // 24)),
)


def retention_ms(name: str) -> int:
    """How long a topic keeps a record, in milliseconds, as Parley creates it; -1 for ever."""
    return next(int(topic.config["retention.ms"]) for topic in TOPICS if topic.name == name)


def changelog(group: str, table: str) -> Topic:
    """The changelog topic of a table, under the name that Faust gives it.

    Compaction keeps its hands off the last hour, so that a recovery sees what a worker that slept
    wrote over when it woke up, and brings it back (`Table.apply_changelog_batch`).
    """
    return Topic(
        f"{group}-{table}-changelog",
        {"cleanup.policy": "compact", "min.compaction.lag.ms": str(60 * 60 * 1000)},
    )


def retry_topic(group: str) -> Topic:
    """The topic by which a group alone gets once more what it has failed on."""
    return Topic(f"{group}-again", _kept(30 * _DAY_MS))


def partition_of(key: str, partitions: int) -> int:
    """The partition of a room (or of a user, in `chat.connections`): Kafka's own rule."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def wrong_partition(key: str, partition: int, partitions: int) -> str:
    """Why a record of a room, or of a user, can't be used where it is; empty where it can.

    It has one order because it has one partition.
    """
    if partition_of(key, partitions) == partition:
        return ""
    return f"a record of {key!r} belongs on another partition"
