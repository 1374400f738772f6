"""How far the readers of a pulled subscription are behind, also before they acknowledge any."""

from __future__ import annotations

from app.deployment.log_reader import LogReader
from app.domain.subscriptions.interest import Interest
from app.events import Subscription
from app.kafka.admin import connected, group_offsets
from app.kafka.group_lag import Lag, lag_between
from app.settings import Settings
from app.subscriptions.event_window import Source
from app.subscriptions.pull_commits import places_of, pull_group
from app.subscriptions.starting_place import beginning

_SECONDS = 10.0


async def pull_lag(settings: Settings, subscription: Subscription) -> list[Lag]:
    """The lag in each partition; records that the subscription does not want are counted, too.

    Raises `Unreachable`.
    """
    topics = sorted(Interest(subscription.kinds, subscription.rooms).topics)
    async with connected(settings, _SECONDS) as admin:
        places = places_of(await group_offsets(admin, pull_group(subscription.id)))
    found: list[Lag] = []
    async with LogReader(settings) as reader:
        for topic in topics:
            for partition in range(settings.partitions):
                source = Source(topic, partition)
                place = places.get(source)
                if place is None or place.moves != subscription.moves:
                    offset = await beginning(reader, source, subscription)
                else:
                    offset = place.offset
                found.append(await lag_between(reader, topic, partition, offset))
    return found
