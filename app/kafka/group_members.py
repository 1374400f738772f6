"""The members of a consumer group, and which partitions they have."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, for_code

from app.errors import Unreachable
from app.kafka.admin import connected
from app.settings import Settings

_STABLE = "Stable"


class GroupMembers(NamedTuple):
    """The ids of a group's members, sorted, and the partitions (topic, number) that they have."""

    ids: tuple[str, ...]
    assigned: frozenset[tuple[str, int]]

    def lacking(self, topics: Collection[str], partitions: int) -> set[tuple[str, int]]:
        """The partitions of the topics that no member has."""
        wanted = {(topic, partition) for topic in topics for partition in range(partitions)}
        return wanted - self.assigned


async def members_of(settings: Settings, group: str, within: float) -> GroupMembers | None:
    """The members of a group; `None` while it is being rebalanced.

    Raises `Unreachable` where Kafka does not tell.
    """
    async with connected(settings, within) as admin:
        try:
            [response] = await admin.describe_consumer_groups([group])
        except (KafkaError, OSError) as error:
            raise Unreachable(f"Kafka does not tell the members of {group}: {error!r}") from error
    [(error_code, _, state, _, _, members, *_)] = response.groups
    if error_code:
        raise Unreachable(f"Kafka does not tell the members of {group}: {for_code(error_code)}")
    if state != _STABLE:
        return None
    found = {
        (place.topic, place.partition)
        for *_, assignment in members
        if assignment
        for place in ConsumerProtocolMemberAssignment.decode(assignment).partitions()
    }
    return GroupMembers(tuple(sorted(member[0] for member in members)), frozenset(found))
