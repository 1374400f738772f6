"""The deliveries of a worker: the subscriptions in its partitions, and the places of them.

It runs on the loop of Parley's own agents (app/stream/batch_loop.py). The stream's events are
handed to the feeds that follow it; what is done of them goes into the table of places with the next
batch. So after a crash an event may be sent again, and none is left out.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from app.domain.subscriptions.backlog import Place
from app.domain.subscriptions.interest import Interest
from app.domain.subscriptions.kinds import TOPICS
from app.events import DeliveryFailed, Subscription, SubscriptionPaused, encode
from app.kafka.producer import new_producer
from app.runtime.clock import now_ms
from app.runtime.derived_keys import KeyRing
from app.runtime.outside_addresses import OutsideAddresses
from app.settings import Settings
from app.stream.batch import Batch
from app.stream.side_work import SideWork
from app.stream.table import Table
from app.subscriptions.declarations import Subscriptions, write
from app.subscriptions.endpoint import Endpoint
from app.subscriptions.endpoint_client import EndpointClient
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.failures import failure_key, pause_key
from app.subscriptions.feed import Feed
from app.subscriptions.lag_reports import LagReports
from app.subscriptions.pulled_lags import PulledLags
from app.subscriptions.secrets import SubscriptionSecrets
from app.subscriptions.sent_again import SentAgain
from app.subscriptions.source_events import SourceEvent
from app.subscriptions.starting_place import starting_place
from app.topics import DELIVERIES

log = structlog.get_logger()

#: Events by which the stored place of a feed may be behind that has nothing to send.
IDLE_EVENTS: Final = 5_000

#: Seconds between two looks at how far the feeds are behind.
LOOK_SECONDS: Final = 5.0

_PAUSE: Final = 1.0


def place_key(subscription: str, topic: str) -> str:
    """The key of a place in the table."""
    return f"{subscription}/{topic}"


class Deliveries:
    """Sends the events of this worker's partitions to the endpoints of subscriptions.

    `again` is the topic of events that are to be sent once more.
    """

    def __init__(self, app: Any, table: Table[Place], again: str) -> None:
        settings: Settings = app.context.settings
        self._app = app
        self._settings = settings
        self._table = table
        self._again_topic = again
        self._window = EventWindow(settings, lambda *place: app.consumer.origin(*place))
        ring = KeyRing(settings.secret, settings.secret_other)
        self._client = EndpointClient(
            SubscriptionSecrets(ring), OutsideAddresses(settings.webhook_hosts)
        )
        self._subscriptions = Subscriptions(settings, self._declared)
        self._endpoints: dict[str, Endpoint] = {}
        self._feeds: dict[Source, dict[str, Feed]] = defaultdict(dict)
        #: Of each partition: feeds by room, and those of any room.
        self._by_room: dict[Source, dict[str, list[Feed]]] = defaultdict(dict)
        self._anywhere: dict[Source, list[Feed]] = defaultdict(list)
        self._mine: set[int] = set()
        self._generation = -1
        self._changed: set[Feed] = set()
        #: Places of feeds that have ended, until the table has them; subscriptions that are gone.
        self._left: dict[tuple[Source, str], Place] = {}
        self._gone: set[str] = set()
        self._unsent: list[tuple[bytes, bytes]] = []
        self._again = SentAgain(self._window, self._tell)
        self._reports = LagReports(self._tell)
        self._pulled = PulledLags(settings, self._window, self._reports)
        self._side = SideWork(app)
        self._looking: asyncio.Task[None] | None = None
        self._looking_at_pulled: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when all subscriptions are known."""
        await self._subscriptions.start()
        self._looking = asyncio.create_task(self._look())
        self._looking.add_done_callback(self._side.ended)

    async def stop(self) -> None:
        """Send nothing more."""
        if self._looking is not None:
            self._looking.cancel()
        self._drop_all()
        await self._subscriptions.stop()
        await self._client.close()
        await self._window.stop()

    async def turn(self, batch: Batch) -> None:
        """Hand out the events of a batch, and store what is done."""
        self._side.check()
        if batch.generation != self._generation:
            self._generation = batch.generation
            self._drop_all()
        if new := batch.partitions - self._mine:
            await self._begin(sorted(new))
        for record in batch.records:
            if record.topic == self._again_topic:
                self._send_again(batch, record)
            elif (event := self._window.append(record)) is not None:
                self._hand_out(Source(record.topic, record.partition), event)
        self._store(batch)

    # ── subscriptions and partitions ─────────────────────────────────────────────────────────

    async def _begin(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            for topic in TOPICS:
                await self._window.begin(Source(topic, partition))
            self._mine.add(partition)
            kept = (key.partition("/")[0] for key, _ in self._table.prefixed(partition, ""))
            self._gone |= set(kept) - self._subscriptions.all.keys()
        for subscription in list(self._subscriptions.all.values()):
            self._run(subscription)
        if self._looking_at_pulled is not None:
            self._looking_at_pulled.cancel()
        looking = self._pulled.follow(lambda: [*self._subscriptions.all.values()], {*self._mine})
        self._looking_at_pulled = self._side.spawn(looking)
        log.info("deliveries are at work", partitions=sorted(self._mine))

    def _declared(self, name: str) -> None:
        """A subscription is new, or has changed, or is gone."""
        known = self._subscriptions.all.get(name)
        self._end(name)
        if known is not None:
            self._run(known)
        else:
            self._gone.add(name)
            self._side.wake_soon()

    def _run(self, subscription: Subscription) -> None:
        if (
            not subscription.url
            or subscription.paused
            or not self._mine
            or subscription.id in self._endpoints
        ):
            return
        endpoint = Endpoint(
            subscription,
            self._client,
            self._settings.webhook_life * 1000,
            self._given_up,
            self._pause,
            self._side.ended,
        )
        self._endpoints[subscription.id] = endpoint
        self._again.offer_to(endpoint)
        interest = Interest(subscription.kinds, subscription.rooms)
        for partition in self._mine:
            for topic in interest.topics:
                begin = self._begin_feed(endpoint, interest, Source(topic, partition))
                self._side.spawn(begin)

    async def _begin_feed(self, endpoint: Endpoint, interest: Interest, source: Source) -> None:
        subscription = endpoint.subscription
        stored = self._left.get((source, subscription.id))
        if stored is None:
            key = place_key(subscription.id, source.topic)
            stored = self._table.read(source.partition, key)
        while True:
            try:
                place = await starting_place(self._window, source, subscription, stored)
                break
            except (KafkaError, OSError) as error:
                log.warning("a place can't be found, trying again", why=repr(error))
                await asyncio.sleep(_PAUSE)
        if self._endpoints.get(subscription.id) is not endpoint:
            return  # it has changed meanwhile
        feed = Feed(
            subscription.id,
            interest,
            source,
            self._window,
            place,
            endpoint.offer,
            self._note,
            self._side.ended,
        )
        self._feeds[source][subscription.id] = feed
        if feed.rooms is None:
            self._anywhere[source].append(feed)
        else:
            for room in feed.rooms:
                self._by_room[source].setdefault(room, []).append(feed)
        feed.start()

    def _end(self, name: str) -> None:
        if (endpoint := self._endpoints.pop(name, None)) is None:
            return
        endpoint.stop()
        for source, feeds in self._feeds.items():
            if (feed := feeds.pop(name, None)) is None:
                continue
            self._left[source, name] = feed.place(feed.stored.moves)
            feed.stop()
            self._changed.discard(feed)
            if feed.rooms is None:
                self._anywhere[source].remove(feed)
            else:
                for room in feed.rooms:
                    self._by_room[source][room].remove(feed)

    def _drop_all(self) -> None:
        """Forget the partitions: other workers may have them, and what was sent since."""
        for endpoint in self._endpoints.values():
            endpoint.stop()
        for source, feeds in self._feeds.items():
            for feed in feeds.values():
                feed.stop()
            self._window.drop(source)
        self._side.cancel()
        for table in (self._endpoints, self._feeds, self._by_room, self._anywhere):
            table.clear()
        self._changed.clear()
        self._left.clear()
        self._unsent.clear()
        self._again.clear()
        self._reports.clear()
        self._pulled.clear()
        self._mine.clear()

    # ── events ───────────────────────────────────────────────────────────────────────────────

    def _hand_out(self, source: Source, event: SourceEvent) -> None:
        for feed in self._anywhere.get(source, ()):
            if feed.live:
                feed.hear(event)
        if named := self._by_room.get(source):
            for feed in named.get(event.room, ()):
                if feed.live:
                    feed.hear(event)

    def _send_again(self, batch: Batch, record: Any) -> None:
        self._again.take(batch, record, self._endpoints)

    def _given_up(self, failed: DeliveryFailed) -> None:
        log.error(
            "an event was not taken and is given up",
            subscription=failed.subscription,
            id=failed.event,
            tries=failed.tries,
            why=failed.why,
        )
        self._tell(failure_key(failed), encode(failed))

    def _pause(self, subscription: Subscription, why: str) -> None:
        log.error("a subscription is paused", subscription=subscription.id, why=why)
        self._end(subscription.id)
        paused = SubscriptionPaused(subscription=subscription.id, at_ms=now_ms(), why=why)
        self._tell(pause_key(subscription.id), encode(paused))
        self._side.spawn(self._set_paused(subscription, why))

    async def _set_paused(self, subscription: Subscription, why: str) -> None:
        set_to = replace(subscription, paused=True, why=why, by="parley", at_ms=now_ms())
        producer = new_producer(self._settings)
        await producer.start()
        try:
            await write(producer, self._settings.partitions, subscription.id, set_to)
        finally:
            await producer.stop()

    # ── what is done ─────────────────────────────────────────────────────────────────────────

    def _note(self, feed: Feed) -> None:
        self._changed.add(feed)
        self._side.wake_soon()

    def _tell(self, key: str, value: bytes) -> None:
        """Send a record of `chat.deliveries` with the next batch."""
        self._unsent.append((key.encode(), value))
        self._side.wake_soon()

    def _store(self, batch: Batch) -> None:
        unsent, self._unsent = self._unsent, []
        for key, value in unsent:
            batch.send_keyed(DELIVERIES, key, value)
        self._again.release(batch)
        changed, self._changed = self._changed, set()
        for feed in changed:
            self._store_place(feed)
        for source in {Source(record.topic, record.partition) for record in batch.records}:
            for feed in self._feeds.get(source, {}).values():
                if feed.live and self._window.end(source) - feed.stored.offset > IDLE_EVENTS:
                    self._store_place(feed)

        left, self._left = self._left, {}
        for (source, name), place in left.items():
            self._write(source, name, place)
        gone, self._gone = self._gone, set()
        for name in gone:
            self._remove_places(name)

    def _store_place(self, feed: Feed) -> None:
        feed.stored = feed.place(feed.stored.moves)
        self._write(feed.source, feed.subscription, feed.stored)

    def _write(self, source: Source, name: str, place: Place) -> None:
        if source.partition in self._mine:
            key = place_key(name, source.topic)
            self._table.write(source.partition, key, place, place.writes)

    def _remove_places(self, name: str) -> None:
        if name in self._subscriptions.all:
            return
        for partition in self._mine:
            for key, place in list(self._table.prefixed(partition, f"{name}/")):
                self._table.write(partition, key, None, place.writes + 1)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for feeds in list(self._feeds.values()):
                self._reports.look(feeds.values(), now_ms())
