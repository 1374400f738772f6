"""What an operator sees, as JSON has it."""

from __future__ import annotations

import msgspec

from app.kafka.group_watch import GroupLook


class EdgeRow(msgspec.Struct, kw_only=True):
    """An edge that is alive. Rates are a second's, delays a mean in milliseconds; 0: none.

    They are of the time between the last two reports: a second for the edge that answers, ten for
    others. `here` is the edge that answers.
    """

    edge: str
    here: bool
    host: str
    pid: int
    started_ms: int
    streams: int
    polls: int
    sends: dict[str, float]
    send_ms: float
    delivered: float
    delivery_ms: float


class DeadLetterRow(msgspec.Struct, kw_only=True):
    """A dead letter: `name` says where it was, and `group` whose agent could not process it."""

    name: str
    topic: str
    group: str
    reason: str
    at_ms: int


class DeadLettersPart(msgspec.Struct, kw_only=True):
    """How many dead letters stand, and the newest of them."""

    count: int
    newest: list[DeadLetterRow]


class RuleRow(msgspec.Struct, kw_only=True):
    """A moderation rule; `rooms` are patterns of room ids, and none means all."""

    name: str
    kind: str
    rooms: list[str]


class RulesPart(msgspec.Struct, kw_only=True):
    """The rule set that is in force; version 0 is the one before the first was set."""

    version: int
    by: str
    at_ms: int
    hook: str
    rules: list[RuleRow]


class PartitionRow(msgspec.Struct, kw_only=True):
    """A partition of the log: its epoch, and in a deployment of several regions its home.

    `to` is the region that the home is on its way to.
    """

    partition: int
    epoch: int
    home: str
    to: str


class DeploymentPart(msgspec.Struct, kw_only=True):
    """The deployment; `region` is empty where it has one region alone."""

    id: str
    region: str
    regions: list[str]
    partitions: list[PartitionRow]


class OperatorSnapshot(msgspec.Struct, kw_only=True):
    """Everything, at a time. `away` has the parts that did not answer, and why."""

    at_ms: int
    deployment: DeploymentPart
    edges: list[EdgeRow]
    groups: list[GroupLook]
    dead_letters: DeadLettersPart
    rules: RulesPart
    away: dict[str, str]
