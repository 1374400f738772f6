"""regions: what the mirrors of other regions brought → this region's own topics.

Commands that another region hands to this one are decided like those of this region's edges.
Answers, read marks, presence and rulings are taken as they are: each of their agents takes a record
twice. Of what the others say of the deployment, epochs and homes are taken. A copy has the header
`home`, so that no mirror takes it back. `rooms` takes the other logs itself.
"""

from __future__ import annotations

from typing import Any

from app.deployment.followed import followed_deployment
from app.deployment.other_regions import is_news
from app.deployment.topic import PARTITION
from app.domain.deployment import Deployment
from app.errors import Malformed
from app.events import HOME, TO, decode_beginning
from app.kafka.log_positions import header_of
from app.kafka.record import Record
from app.mirror.control_relay import ControlRelay
from app.stream.batch_loop import batches
from app.stream.consumer_groups import active_context, group, raw_topic
from app.stream.groups import REGIONS
from app.topics import (
    AWAY,
    CONNECTIONS,
    DEPLOYMENT,
    MODERATION,
    RAW,
    RECEIPTS,
    VERDICTS,
    of_region,
)

settings = active_context().settings

#: Each mirrored topic, with its region and this region's topic.
_COPIED = {
    of_region(region, name): (region, target)
    for region in settings.other_regions
    for name, target in (
        (AWAY, RAW),
        (VERDICTS, VERDICTS),
        (RECEIPTS, RECEIPTS),
        (CONNECTIONS, CONNECTIONS),
        (MODERATION, MODERATION),
        (DEPLOYMENT, DEPLOYMENT),
    )
}

if _COPIED:
    app = group(REGIONS)

    @app.task  # type: ignore[untyped-decorator]
    async def relay() -> None:
        """Follow the rules, sanctions and the like that other regions set."""
        await ControlRelay(settings).run()

    @app.agent(raw_topic(app, *_COPIED))
    async def regions(stream: Any) -> None:
        """Copy each record to its partition of this region's topic."""
        deployment = await followed_deployment(settings)
        async for batch in batches(stream):
            for record in batch.records:
                region, target = _COPIED[record.topic]
                if target == RAW:
                    if _is_meant(record, deployment.now):
                        batch.send(RAW, record, record.value, _without(record, TO))
                elif target != DEPLOYMENT or _is_news(record, deployment.now):
                    home = (HOME, region.encode())
                    batch.send(target, record, record.value, (*record.headers, home))


def _is_meant(record: Record, deployment: Deployment) -> bool:
    """Whether this region is to decide on the command of another one."""
    to = header_of(record, TO)
    if to is None:  # an earlier release did not say
        return deployment.home(record.partition, settings.region) == settings.region
    return to == settings.region.encode()


def _is_news(record: Record, deployment: Deployment) -> bool:
    try:
        return record.partition == PARTITION and is_news(decode_beginning(record.value), deployment)
    except Malformed:
        return False


def _without(record: Record, name: str) -> tuple[tuple[str, bytes], ...]:
    return tuple(one for one in record.headers if one[0] != name)
