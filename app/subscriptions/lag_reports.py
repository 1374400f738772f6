"""How far subscriptions are behind, told in `chat.deliveries` when it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from app.events import SubscriptionFollows, SubscriptionLag, SubscriptionLags, encode
from app.subscriptions.event_window import Source
from app.subscriptions.failures import lag_key
from app.subscriptions.feed import Feed

#: Milliseconds from which on a subscription is behind.
LAGS_MS: Final = 60_000

#: The most rooms that a report names.
_ROOMS: Final = 10


class LagReports:
    """Tells of each feed what has changed since the last look."""

    def __init__(self, tell: Callable[[str, bytes], None]) -> None:
        self._tell = tell
        self._told: dict[str, SubscriptionLag] = {}

    def look(self, feeds: Iterable[Feed], now_ms: int) -> None:
        """Tell what has changed; to be called every few seconds."""
        for feed in feeds:
            held = [lane for lane in feed.backlog.lanes.values() if lane.held]
            rooms = tuple(sorted(lane.name for lane in held)[:_ROOMS])
            why = held[0].why if held else ""
            since_ms, behind = feed.oldest_ms(), feed.behind()
            self.tell(feed.subscription, feed.source, since_ms, behind, now_ms, rooms, why)

    def tell(
        self,
        subscription: str,
        source: Source,
        since_ms: int,
        behind: int,
        now_ms: int,
        rooms: tuple[str, ...] = (),
        why: str = "",
    ) -> None:
        """Tell how far a subscription is behind, if that has changed; `since_ms` 0: it follows."""
        lags = bool(since_ms) and now_ms - since_ms >= LAGS_MS
        make = SubscriptionLags if lags else SubscriptionFollows
        report = make(
            subscription=subscription,
            topic=source.topic,
            partition=source.partition,
            at_ms=now_ms,
            behind=behind if lags else 0,
            since_ms=since_ms if lags else 0,
            rooms=rooms,
            why=why,
        )
        key = lag_key(subscription, source)
        told = self._told.get(key)
        # The first one is always told: what stands in the topic may be of an earlier process.
        if told is None or _parts(told) != _parts(report):
            self._told[key] = report
            self._tell(key, encode(report))

    def clear(self) -> None:
        """Forget what was told."""
        self._told.clear()


def _parts(report: SubscriptionLag) -> tuple[object, ...]:
    return type(report), report.behind, report.since_ms, report.rooms, report.why
