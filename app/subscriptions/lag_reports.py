"""How far subscriptions are behind, told in `chat.deliveries` when it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from app.events import SubscriptionFollows, SubscriptionLag, SubscriptionLags, encode
from app.subscriptions.event_window import EventWindow
from app.subscriptions.failures import lag_key
from app.subscriptions.feed import Feed

#: Milliseconds from which on a subscription is behind.
LAGS_MS: Final = 60_000

#: The most rooms that a report names.
_ROOMS: Final = 10


class LagReports:
    """Tells of each feed what has changed since the last look."""

    def __init__(self, window: EventWindow, tell: Callable[[str, bytes], None]) -> None:
        self._window = window
        self._tell = tell
        self._told: dict[str, SubscriptionLag] = {}

    def look(self, feeds: Iterable[Feed], now_ms: int) -> None:
        """Tell what has changed; to be called every few seconds."""
        for feed in feeds:
            key = lag_key(feed.subscription, feed.source)
            report = self._report(feed, now_ms)
            told = self._told.get(key)
            # The first one is always told: what stands in the topic may be of an earlier process.
            if told is not None and _parts(told) == _parts(report):
                continue
            self._told[key] = report
            self._tell(key, encode(report))

    def clear(self) -> None:
        """Forget what was told."""
        self._told.clear()

    def _report(self, feed: Feed, now_ms: int) -> SubscriptionLag:
        backlog, source = feed.backlog, feed.source
        held = [lane for lane in backlog.lanes.values() if lane.held]
        since = feed.oldest_ms()
        lags = bool(since) and now_ms - since >= LAGS_MS
        make = SubscriptionLags if lags else SubscriptionFollows
        return make(
            subscription=feed.subscription,
            topic=source.topic,
            partition=source.partition,
            at_ms=now_ms,
            behind=feed.behind() if lags else 0,
            since_ms=since if lags else 0,
            rooms=tuple(sorted(lane.name for lane in held)[:_ROOMS]),
            why=held[0].why if held else "",
        )


def _parts(report: SubscriptionLag) -> tuple[object, ...]:
    return type(report), report.behind, report.since_ms, report.rooms, report.why
