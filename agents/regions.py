"""regions: what the mirrors of other regions brought → this region's own topics.

Commands for rooms that are at home here are decided like those of this region's edges. Answers,
read marks, presence and rulings are taken as they are: each of their agents takes a record twice.
A copy has the header `home`, so that no mirror takes it back. `rooms` takes the other logs itself.
"""

from __future__ import annotations

from typing import Any

from app.deployment.followed import followed_deployment
from app.events import HOME
from app.stream.batch_loop import batches
from app.stream.consumer_groups import active_context, group, raw_topic
from app.stream.groups import REGIONS
from app.topics import AWAY, CONNECTIONS, MODERATION, RAW, RECEIPTS, VERDICTS, of_region

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
    )
}

if _COPIED:
    app = group(REGIONS)

    @app.agent(raw_topic(app, *_COPIED))
    async def regions(stream: Any) -> None:
        """Copy each record to its partition of this region's topic."""
        deployment = await followed_deployment(settings)
        async for batch in batches(stream):
            for record in batch.records:
                region, target = _COPIED[record.topic]
                is_elsewhere = deployment.now.home(record.partition) != settings.region
                if target == RAW and is_elsewhere:
                    continue
                home = () if target == RAW else ((HOME, region.encode()),)
                batch.send(target, record, record.value, (*record.headers, *home))
