"""subscriptions: events of the topics → services outside, each at least once, in order per room."""

from __future__ import annotations

from typing import Any

from app.domain.subscriptions.kinds import TOPICS
from app.stream import groups
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group
from app.subscriptions.deliveries import Deliveries
from app.topics import retry_topic
from tables.places import places

app = group(groups.SUBSCRIPTIONS)
again = app.context.retry_topics.setdefault(app.conf.id, retry_topic(app.conf.id))


@app.agent(app.topic(*TOPICS, again.name, key_type=bytes, value_type=bytes))
async def subscriptions(stream: Any) -> None:
    """Send each event to the endpoints of its subscriptions."""
    deliveries = Deliveries(app, places, again.name)
    await deliveries.start()
    try:
        async for batch in batches(stream, (places,), at_assignment=True):
            await deliveries.turn(batch)
    finally:
        await deliveries.stop()
