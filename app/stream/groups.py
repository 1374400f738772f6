"""The consumer groups of Parley's own agents, each declared once with how it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: What the names of the groups of the agent kit begin with.
KIT_PREFIX: Final = "agent-"


@dataclass(frozen=True)
class Group:
    """A consumer group.

    The agents of a `strict` one run on Parley's own batch loop, and the process ends when one of
    them fails. Without `low_latency` it gets its records up to 0.2 s later while many come, in
    fewer and larger batches.
    """

    name: str
    strict: bool = False
    low_latency: bool = True
    #: It runs in a process of its own, which a worker starts when there is something for it to do.
    apart: bool = False
    #: Begin with the records that come after the group's first start, and not with the oldest.
    from_now: bool = False

    @property
    def id(self) -> str:
        """The group's id in Kafka."""
        return f"parley-{self.name}"


#: Moderation and rooms share a group because they share tables.
PIPELINE: Final = Group("pipeline", strict=True)
FAN_OUT: Final = Group("fan_out", strict=True)
ARCHIVE: Final = Group("archive", strict=True, low_latency=False)
RECEIPTS: Final = Group("receipts", strict=True)
PRESENCE: Final = Group("presence", strict=True)
PACE: Final = Group("pace", strict=True)
#: A subscription has a place of its own in each partition, so the group has nothing to catch up on.
SUBSCRIPTIONS: Final = Group("subscriptions", strict=True, apart=True, from_now=True)
#: Nobody is called because of what was said before there was push.
PUSH: Final = Group("push", strict=True, low_latency=False, from_now=True)

#: Records of other regions, which their mirror has brought.
REGIONS: Final = Group("regions", strict=True)

_ALL: Final = (PIPELINE, FAN_OUT, ARCHIVE, RECEIPTS, PRESENCE, PACE, SUBSCRIPTIONS, PUSH, REGIONS)
OWN: Final = {group.name: group for group in _ALL}
