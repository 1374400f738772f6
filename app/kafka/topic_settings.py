"""The settings of topics that exist: would they lose what Parley relies on?

A topic may have been made by hand, or its settings changed since. `chat.log` with a retention of a
week, say, works for a week.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.topics import Topic

_POLICY: Final = "cleanup.policy"
_TIME: Final = "retention.ms"
_BYTES: Final = "retention.bytes"

#: Kafka's value for no limit.
_FOR_EVER: Final = "-1"


async def lossy_settings(admin: AIOKafkaAdminClient, topics: Iterable[Topic]) -> list[str]:
    """For each setting of these topics that would lose records: what it is, and what it must be."""
    wanted = {topic.name: topic for topic in topics}
    if not wanted:
        return []
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    found: list[str] = []
    for answer in await admin.describe_configs(resources):
        for _, _, _, name, entries in answer.resources:
            values: dict[str, Any] = {entry[0]: entry[1] for entry in entries}
            found += losses(wanted[name], values)
    return found


def losses(topic: Topic, found: Mapping[str, str]) -> list[str]:
    """The settings of a topic by which Kafka would drop records that Parley needs."""
    policies = set(topic.config.get(_POLICY, "delete").split(","))
    there = {policy.strip() for policy in found.get(_POLICY, "delete").split(",")}
    wrong: list[tuple[str, str]] = []
    if extra := there - policies:
        # Compaction drops all but the newest record of a key; deletion drops the newest, too.
        harmless = extra == {"delete"} and found.get(_TIME) == found.get(_BYTES) == _FOR_EVER
        if not harmless:
            wrong.append((_POLICY, ",".join(sorted(policies))))
    if topic.config.get(_TIME) == _FOR_EVER:
        wrong += [
            (name, _FOR_EVER) for name in (_TIME, _BYTES) if found.get(name, _FOR_EVER) != _FOR_EVER
        ]
    return [
        f"the topic {topic.name} has {name}={found.get(name, '')} and would lose records;"
        f" set {name}={value}"
        for name, value in wrong
    ]
