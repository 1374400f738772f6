"""Commands that this region decided, and whose events another region took over without.

Their events are this region's tail: a person offers it again, or drops it. A worker that was killed
reads the last of these commands again, and must not hand them on as if nobody had decided on them.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from app.deployment.followed import FollowedDeployment
from app.deployment.log_reader import LogReader, is_part
from app.domain.deployment import Deployment
from app.errors import Malformed
from app.events import HOME, POS, SRC, EpochBegun, Source, decode_src, position_of
from app.kafka.log_positions import header_of, offset_behind
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, RAW

log = structlog.get_logger()


class LostCommands:
    """By partition: the last command with an event in the tail; those before it are decided."""

    def __init__(self, settings: Settings, deployment: FollowedDeployment) -> None:
        self._settings = settings
        self._deployment = deployment
        #: By partition: for how many losses the log was looked through, and what was found.
        self._found: dict[int, tuple[int, Source | None]] = {}

    async def look_up(self, partitions: Iterable[int]) -> None:
        """Read the tails of these partitions; where no home was lost since, nothing is read."""
        if not self._settings.region:
            return  # an epoch of such a deployment took no home, and left no tail
        now = self._deployment.now
        for partition in partitions:
            losses = _losses(now, partition, self._settings.region)
            if len(losses) == self._found.get(partition, (0, None))[0]:
                continue
            last = await _last_source(self._settings, now, partition, losses)
            self._found[partition] = len(losses), last
            if last is not None:
                log.info("the tail has commands", partition=partition, up_to=last.offset)

    def has(self, partition: int, source: Source) -> bool:
        """Whether the command at this place was decided before the home was lost."""
        _, last = self._found.get(partition, (0, None))
        return last is not None and source <= last

    def has_offset(self, partition: int, offset: int) -> bool:
        """The same for an offset of `chat.raw`, as the topic is now."""
        _, last = self._found.get(partition, (0, None))
        if last is None or offset > last.offset:
            return False
        # A topic that began anew since then has other commands at these offsets.
        return last.origin >= self._deployment.now.topic_origin(RAW, partition)


def _losses(deployment: Deployment, partition: int, region: str) -> list[EpochBegun]:
    """The epochs by which another region took a partition over from this one, newest first."""
    mine = [one for one in deployment.epochs if (one.partition, one.lost) == (partition, region)]
    return sorted(mine, key=lambda one: one.epoch, reverse=True)


async def _last_source(
    settings: Settings, deployment: Deployment, partition: int, losses: list[EpochBegun]
) -> Source | None:
    async with LogReader(settings) as live, PartitionReader(settings) as every:
        for loss in losses:
            start = await offset_behind(live, partition, loss.start - 2) if loss.start > 1 else 0
            last: Source | None = None
            async for record in every.read(LOG, partition, start):
                try:
                    epoch = position_of(header_of(record, POS), record.offset).epoch
                    source = decode_src(header_of(record, SRC))
                except Malformed:
                    continue
                if is_part(record, deployment):
                    if epoch >= loss.epoch:
                        break  # from here on this region knew that its home was lost
                elif header_of(record, HOME) is None:
                    last = source if last is None else max(last, source)
            if last is not None:
                return last
    return None
