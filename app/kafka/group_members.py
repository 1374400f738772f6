"""The members of consumer groups, and which partitions they have.

aiokafka's own `describe_consumer_groups` reads the answer of version 3 of the request as one of
version 2, and loses the connection. Version 2 has all that is asked for here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest_v2
from aiokafka.protocol.api import Request

from app.errors import Unreachable
from app.kafka.admin import connected
from app.kafka.versions import require_tested
from app.settings import Settings

require_tested("aiokafka", "app/kafka/group_members.py")

#: States of a group without members (Apache Kafka's `GroupState`), and of one that has assigned.
_WITHOUT_MEMBERS: Final = frozenset({"Empty", "Dead"})
_STABLE: Final = "Stable"


class _Request(Request[DescribeGroupsRequest_v2]):  # type: ignore[misc]
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(
        self, request_struct_class: type[DescribeGroupsRequest_v2]
    ) -> DescribeGroupsRequest_v2:
        return request_struct_class([self._group])


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
            answer = await _describe(admin, group)
        except (KafkaError, OSError) as error:
            raise Unreachable(f"Kafka does not tell the members of {group}: {error!r}") from error
    [(error_code, _, state, _, _, members, *_)] = answer.groups
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


async def groups_with_members(admin: AIOKafkaAdminClient, groups: Iterable[str]) -> list[str]:
    """Those of the groups that some process is in, or was until its session times out."""
    found: list[str] = []
    for group in groups:
        answer = await _describe(admin, group)
        found += [name for _, name, state, *_ in answer.groups if state not in _WITHOUT_MEMBERS]
    return found


async def described_group(
    admin: AIOKafkaAdminClient, group: str
) -> tuple[str, frozenset[tuple[str, bytes]]]:
    """The state of a group in Kafka's words, and its members with their assignments."""
    answer = await _describe(admin, group)
    [(_, _, state, _, _, members, *_)] = answer.groups
    return state, frozenset((one[0], bytes(one[-1])) for one in members)


async def _describe(admin: AIOKafkaAdminClient, group: str) -> Any:
    coordinator = await admin.find_coordinator(group)
    return await admin._send_request(_Request(group), coordinator)
