"""Which consumer groups have members.

aiokafka's own `describe_consumer_groups` reads the answer of version 3 of the request as one of
version 2, and loses the connection. Version 2 has all that is asked for here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DescribeGroupsRequest_v2
from aiokafka.protocol.api import Request

from app.kafka.versions import require_tested

require_tested("aiokafka", "app/kafka/group_members.py")

#: States of a group without members (Apache Kafka's `GroupState`).
_WITHOUT_MEMBERS: Final = frozenset({"Empty", "Dead"})


class _Request(Request[DescribeGroupsRequest_v2]):  # type: ignore[misc]
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(
        self, request_struct_class: type[DescribeGroupsRequest_v2]
    ) -> DescribeGroupsRequest_v2:
        return request_struct_class([self._group])


async def groups_with_members(admin: AIOKafkaAdminClient, groups: Iterable[str]) -> list[str]:
    """Those of the groups that some process is in, or was until its session times out."""
    found: list[str] = []
    for group in groups:
        coordinator = await admin.find_coordinator(group)
        answer: Any = await admin._send_request(_Request(group), coordinator)
        found += [name for _, name, state, *_ in answer.groups if state not in _WITHOUT_MEMBERS]
    return found
