"""Noticing that partitions of a group have no member.

The member that assigns partitions leaves out a topic that does not exist at that moment. The broker
keeps the assignment of a member that has a name: a worker that is killed, and comes back when the
topic is there again, gets what it had. Then commands are moderated and never numbered, say. Only a
member that leaves makes the group assign anew.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from app.errors import Unreachable
from app.kafka.group_members import members_of
from app.stream.fail_stop import fail_stop

log = structlog.get_logger()

#: Seconds after an assignment until it is checked. A group that is being put together, or that
#: hears of a new topic, assigns once more within that time.
_AFTER: Final = 5.0

#: Seconds by which each next member leaves later: mostly one is enough.
_APART: Final = 2.0

#: Seconds for Kafka to tell the members.
_PATIENCE: Final = 10.0


class AssignmentCheck:
    """Checks each assignment of a group, a little later."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None

    def begin(self, consumer: Any, generation: int) -> None:
        """Check this generation's assignment in a while, instead of the one before."""
        self.stop()
        self._task = asyncio.create_task(self._run(consumer, generation))

    def stop(self) -> None:
        """Check nothing any more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, consumer: Any, generation: int) -> None:
        settings, group = self._app.context.settings, self._app.conf.id
        await asyncio.sleep(_AFTER)
        while True:
            lacking, rank = await self._lacking(consumer)
            if lacking is None:
                await asyncio.sleep(_AFTER)
                continue
            if not lacking:
                return
            log.error("partitions have no member", group=group, partitions=sorted(lacking)[:100])
            await asyncio.sleep(rank * _APART)
            if self._app.consumer_generation_id == generation and not self._app.should_stop:
                await leave(consumer)
                topics = ", ".join(sorted({topic for topic, _ in lacking}))
                count = settings.partitions
                fail_stop(
                    f"the group {group} was without {topics}, and is left: its next start gets all"
                    f" {count} partitions"
                )
            return

    async def _lacking(self, consumer: Any) -> tuple[set[tuple[str, int]] | None, int]:
        """The partitions without a member, `None` where that is not known; this member's rank."""
        settings, group = self._app.context.settings, self._app.conf.id
        try:
            members = await members_of(settings, group, _PATIENCE)
        except Unreachable as error:
            log.info("members are not known", group=group, why=str(error))
            return None, 0
        mine = consumer._coordinator.member_id
        if members is None or mine not in members.ids:
            return None, 0
        lacking = members.lacking(consumer.subscription(), settings.partitions)
        return lacking, members.ids.index(mine)


async def leave(consumer: Any) -> None:
    """Leave the group, as only a member without a name does: so drop the name."""
    consumer._coordinator._group_instance_id = None
    await consumer._coordinator._maybe_leave_group()
