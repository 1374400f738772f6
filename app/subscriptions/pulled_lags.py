"""How far pulled subscriptions are behind, told like that of the others.

No feed follows a pulled subscription, so the workers ask its consumer group now and then, one
subscription after the other. Only an event that the subscription gets counts as waiting: nobody
acknowledges the others. A look goes on where the last one ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Final, NamedTuple

import structlog
from aiokafka.errors import KafkaError

from app.domain.subscriptions.interest import Interest
from app.errors import Unreachable
from app.events import Subscription
from app.kafka.admin import connected, group_offsets
from app.runtime.clock import now_ms
from app.settings import Settings
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.lag_reports import LagReports
from app.subscriptions.pull_commits import places_of, pull_group
from app.subscriptions.source_events import SourceEvent, is_for
from app.subscriptions.starting_place import beginning

log = structlog.get_logger()

#: Seconds for all subscriptions, and at least for each: a look is a few requests to Kafka.
ROUND_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.1

#: The most records of a partition that one look reads.
_RECORDS: Final = 20_000

_KAFKA_SECONDS: Final = 10.0


class _Look(NamedTuple):
    """A look at a partition: its next record, and the first event that waits, if any was found."""

    next: int
    first: SourceEvent | None = None


class PulledLags:
    """Looks at the partitions of a worker for the readers of pulled subscriptions."""

    def __init__(self, settings: Settings, window: EventWindow, reports: LagReports) -> None:
        self._settings = settings
        self._window = window
        self._reports = reports
        self._looks: dict[str, tuple[Subscription, dict[Source, _Look]]] = {}

    def clear(self) -> None:
        """Forget the partitions, which other workers may have."""
        self._looks.clear()

    async def follow(
        self, known: Callable[[], Iterable[Subscription]], partitions: Collection[int]
    ) -> None:
        """Look again and again, until cancelled, with the subscriptions that are known then."""
        while True:
            pulled = [one for one in known() if not one.url and not one.paused]
            for name in self._looks.keys() - {one.id for one in pulled}:
                del self._looks[name]
            for subscription in pulled:
                try:
                    await self.look(subscription, partitions)
                except (Unreachable, KafkaError, OSError) as error:
                    log.warning("the lag of a subscription is not known", why=repr(error))
                await asyncio.sleep(max(LOOK_SECONDS, ROUND_SECONDS / len(pulled)))
            if not pulled:
                await asyncio.sleep(ROUND_SECONDS)

    async def look(self, subscription: Subscription, partitions: Collection[int]) -> None:
        """Look at one subscription. Raises `Unreachable`, `KafkaError` and `OSError`."""
        before, looks = self._looks.get(subscription.id, (None, {}))
        if before != subscription:
            looks = {}
        self._looks[subscription.id] = subscription, looks
        async with connected(self._settings, _KAFKA_SECONDS) as admin:
            places = places_of(await group_offsets(admin, pull_group(subscription.id)))
        interest = Interest(subscription.kinds, subscription.rooms)
        for source in (Source(topic, one) for topic in interest.topics for one in partitions):
            place = places.get(source)
            if place is not None and place.moves == subscription.moves:
                offset = place.offset
            elif source in looks:
                offset = 0  # nothing is acknowledged since, so the look goes on where it was
            else:
                begin = partial(beginning, source=source, subscription=subscription)
                offset = await self._window.with_reader(begin)
            looks[source] = look = await self._go_on(
                subscription.id, interest, source, looks.get(source), offset
            )
            first = look.first
            since = 0 if first is None else first.at_ms
            behind = 0 if first is None else self._window.end(source) - first.offset
            self._reports.tell(subscription.id, source, since, behind, now_ms())

    async def _go_on(
        self, name: str, interest: Interest, source: Source, look: _Look | None, offset: int
    ) -> _Look:
        """The look from where it was, or from the offset behind what is acknowledged by now."""
        if look is not None and look.first is not None and look.first.offset >= offset:
            return look
        start = following = max(offset, look.next if look is not None else 0)
        while events := await self._window.read(source, following):
            for event in events:
                following = event.offset + 1
                if is_for(event, name, interest):
                    return _Look(following, event)
            if following - start >= _RECORDS:
                break
            await asyncio.sleep(0)
        return _Look(following)
