"""Every metric of Parley, with its labels; docs/metrics.md is made from this file.

Names follow Prometheus' conventions: base units, `_total` for counters.
"""

from __future__ import annotations

from typing import Final

from app.metrics.metric import Metric

#: From a send on an idle machine to one that waits for a store.
_LATENCY: Final = (
    *(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
#: From a rebalance without tables to a recovery of millions of keys.
_RECOVERY: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)

# ── consumer groups ──────────────────────────────────────────────────────────────────────────

LAG_EVENTS: Final = Metric(
    "parley_lag_events",
    "gauge",
    "Records of a partition that its consumer group has not processed.",
    ("group", "topic", "partition"),
)
LAG_SECONDS: Final = Metric(
    "parley_lag_seconds",
    "gauge",
    "Age of the oldest record that the group has not processed; 0 at the end of the partition.",
    ("group", "topic", "partition"),
)
GROUP_STATE: Final = Metric(
    "parley_group_state",
    "gauge",
    "1 for the state that a consumer group of this process is in, 0 for the others.",
    ("group", "state"),
)
GROUP_WAITS: Final = Metric(
    "parley_group_waits",
    "gauge",
    "1 while a group waits for a store that is away or full.",
    ("group", "store"),
)
REBALANCES: Final = Metric(
    "parley_rebalances_total", "counter", "Rebalances of a consumer group.", ("group",)
)
RECOVERY_SECONDS: Final = Metric(
    "parley_recovery_seconds",
    "histogram",
    "Time from the begin of a rebalance until tables are recovered and records flow again.",
    ("group",),
    buckets=_RECOVERY,
)
STAGE_SECONDS: Final = Metric(
    "parley_stage_seconds",
    "histogram",
    "Time from when Kafka has a record until a stage is done with it: the wait, and the work."
    " Records that were fetched together count as old as the first of them.",
    ("group", "topic"),
    buckets=_LATENCY,
)
DEAD_LETTERS: Final = Metric(
    "parley_dead_letters_total",
    "counter",
    "Records that a group could not process, which are in `chat.dead`.",
    ("group",),
)
TABLE_KEYS: Final = Metric(
    "parley_table_keys",
    "gauge",
    "Keys of a table in this process, as RocksDB estimates them.",
    ("group", "table"),
)
TABLE_BYTES: Final = Metric(
    "parley_table_bytes",
    "gauge",
    "Bytes of a table in this process: files, and what is not written to them yet.",
    ("group", "table"),
)

# ── the pipeline ─────────────────────────────────────────────────────────────────────────────

RULINGS: Final = Metric(
    "parley_rulings_total",
    "counter",
    "Commands on which moderation rules or the webhook had something to say, by the action.",
    ("action",),
    known=("mask", "hide", "hold", "refuse"),
)
VERDICTS: Final = Metric(
    "parley_verdicts_total",
    "counter",
    "Commands by what became of them: an event of the log, a refusal, a repetition of an earlier"
    " command, or held for a moderator.",
    ("outcome",),
    known=("event", "refused", "repeated", "held"),
)
PUBLISHES: Final = Metric(
    "parley_publishes_total",
    "counter",
    "Events given to Valkey by the outcome; `behind`, `gap` and `stale` are published again from"
    " the log.",
    ("outcome",),
    known=("published", "repeated", "behind", "gap", "stale"),
)
REFILL_SECONDS: Final = Metric(
    "parley_refill_seconds",
    "gauge",
    "Time since the oldest refill of a partition in Valkey began, which is under way; 0 for none."
    " Events of such a partition are not delivered, and its records count as processed.",
)
VALKEY_MEMORY: Final = Metric(
    "parley_valkey_memory_bytes", "gauge", "Memory that Valkey uses for its data."
)
VALKEY_MEMORY_LIMIT: Final = Metric(
    "parley_valkey_memory_limit_bytes",
    "gauge",
    "Memory that Valkey may use: its `maxmemory`, or the machine's memory where none is set.",
)

# ── the edge ─────────────────────────────────────────────────────────────────────────────────

CONNECTIONS: Final = Metric("parley_connections", "gauge", "Connections of clients at an edge.")
STREAMS: Final = Metric("parley_streams", "gauge", "Streams that are open at an edge.")
POLLS: Final = Metric(
    "parley_polls", "gauge", "Connections that poll, also between two polls of theirs."
)
STREAMS_ENDED: Final = Metric(
    "parley_streams_ended_total",
    "counter",
    "Streams by the code of their goodbye: `slow_consumer` was read too slowly, and `gone` is a"
    " client that left.",
    ("code",),
    known=("gone", "rotate", "slow_consumer"),
)
SENDS: Final = Metric(
    "parley_sends_total",
    "counter",
    "Commands and receipts by the outcome for the client: `accepted`, `repeated`, `held`"
    " and `refused` are verdicts; `pending` is in Kafka and had no verdict in time; `unreachable`"
    " was not taken by Kafka.",
    ("outcome",),
    known=("accepted", "repeated", "held", "refused", "pending", "unreachable"),
)
SEND_SECONDS: Final = Metric(
    "parley_send_seconds",
    "histogram",
    "Time from a command at the edge to its verdict, which Valkey publishes in one step with the"
    " event: the whole way of a message.",
    buckets=_LATENCY,
)
DELIVERY_SECONDS: Final = Metric(
    "parley_delivery_seconds",
    "histogram",
    "Time from the moderation of an event until an edge gave it to the sockets of its readers, by"
    " the oldest event of each broadcast.",
    buckets=_LATENCY,
)
DELIVERED: Final = Metric(
    "parley_delivered_events_total", "counter", "Events that an edge gave to readers of their room."
)
GAPS: Final = Metric(
    "parley_gaps_total",
    "counter",
    "Gaps in a room's events at an edge: `repaired` from the room's window, or `lost`, where the"
    " window lacks some and the readers got a reset.",
    ("outcome",),
    known=("repaired", "lost"),
)
RESETS: Final = Metric(
    "parley_resets_total",
    "counter",
    "Resets that streams and polls got: events were lost for them.",
)
VALKEY_CONNECTED: Final = Metric(
    "parley_valkey_connected", "gauge", "1 while an edge has its subscription at Valkey."
)
VALKEY_RECONNECTS: Final = Metric(
    "parley_valkey_reconnects_total",
    "counter",
    "How often an edge lost its subscription at Valkey and has it again.",
)

# ── parley verify --follow ───────────────────────────────────────────────────────────────────

VERIFY_DIFFERENCES: Final = Metric(
    "parley_verify_differences_total",
    "counter",
    "Differences that lasted: of the log from itself, of Valkey or of the history store from it.",
    ("kind",),
    known=("log", "view", "history"),
)
VERIFY_OPEN: Final = Metric(
    "parley_verify_open_differences", "gauge", "Differences that were told, and are there now."
)
VERIFY_BEHIND: Final = Metric(
    "parley_verify_behind_seconds",
    "gauge",
    "Time since the oldest change of a room that was not compared yet; 0: every change was.",
)
VERIFY_ROOMS: Final = Metric(
    "parley_verify_rooms_total", "counter", "Comparisons of a room that could be finished."
)

#: The metrics of each part, in the order of docs/metrics.md.
OF_WORKER: Final = (
    *(LAG_EVENTS, LAG_SECONDS, GROUP_STATE, GROUP_WAITS, REBALANCES, RECOVERY_SECONDS),
    *(STAGE_SECONDS, DEAD_LETTERS, TABLE_KEYS, TABLE_BYTES, RULINGS, VERDICTS, PUBLISHES),
    *(REFILL_SECONDS, VALKEY_MEMORY, VALKEY_MEMORY_LIMIT),
)
OF_EDGE: Final = (
    *(CONNECTIONS, STREAMS, POLLS, STREAMS_ENDED, SENDS, SEND_SECONDS, DELIVERY_SECONDS),
    *(DELIVERED, GAPS, RESETS, VALKEY_CONNECTED, VALKEY_RECONNECTS),
)
OF_VERIFY: Final = (VERIFY_DIFFERENCES, VERIFY_OPEN, VERIFY_BEHIND, VERIFY_ROOMS)
