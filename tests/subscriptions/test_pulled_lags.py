"""How far a pulled subscription is behind: by the events that it gets and nobody acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from app.events import (
    Position,
    Subscription,
    SubscriptionFollows,
    SubscriptionLag,
    SubscriptionLags,
    decode_delivery,
)
from app.settings import Settings
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.lag_reports import LagReports
from app.subscriptions.pull_commits import PullCommits
from app.subscriptions.pull_cursor import PullCursor
from app.subscriptions.pulled_lags import PulledLags
from app.topics import LOG

SOURCE = Source(LOG, 0)


class Looks:
    """Looks at subscriptions, and what is told of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.window = EventWindow(settings, lambda *_: 0)
        self.told: list[SubscriptionLag] = []
        self._lags = PulledLags(settings, self.window, LagReports(self._tell))

    def _tell(self, _: str, value: bytes) -> None:
        said = decode_delivery(value)
        assert isinstance(said, SubscriptionLag)
        self.told.append(said)

    async def told_of(self, subscription: Subscription) -> SubscriptionLag | None:
        """What one look tells; `None`: nothing, as nothing has changed."""
        self.told.clear()
        await self._lags.look(subscription, [0])
        return self.told[0] if self.told else None

    async def acknowledge(self, subscription: Subscription, number: int) -> None:
        commits = PullCommits(self.settings, subscription)
        position = Position(number >= 15, number)
        try:
            await commits.acknowledge([PullCursor(SOURCE, position, 7 + number)])
        finally:
            await commits.stop()


@pytest.fixture
async def looks(log: Settings) -> AsyncIterator[Looks]:
    found = Looks(log)
    await found.window.begin(SOURCE)
    yield found
    await found.window.stop()


def pulled(name: str, *kinds: str, rooms: tuple[str, ...] = ()) -> Subscription:
    return Subscription(id=name, by="ann", at_ms=1, url="", kinds=kinds, rooms=rooms)


async def test_it_is_behind_from_the_first_event_that_is_not_acknowledged(looks: Looks) -> None:
    subscription = pulled("behind", "message.*")
    await looks.acknowledge(subscription, 0)
    told = await looks.told_of(subscription)
    assert isinstance(told, SubscriptionLags)
    assert (told.behind, told.since_ms) == (29, 1)
    assert await looks.told_of(subscription) is None
    await looks.acknowledge(subscription, 20)
    told = await looks.told_of(subscription)
    assert isinstance(told, SubscriptionLags)
    assert (told.behind, told.since_ms) == (9, 21)


async def test_it_follows_once_all_is_acknowledged(looks: Looks) -> None:
    subscription = pulled("whole", "message.*")
    await looks.acknowledge(subscription, 3)
    assert isinstance(await looks.told_of(subscription), SubscriptionLags)
    await looks.acknowledge(subscription, 29)
    assert isinstance(await looks.told_of(subscription), SubscriptionFollows)


@pytest.mark.parametrize(
    "subscription", [pulled("kind", "room.created"), pulled("room", "message.*", rooms=("other",))]
)
async def test_events_that_it_does_not_get_are_none_that_wait(
    looks: Looks, subscription: Subscription
) -> None:
    await looks.acknowledge(subscription, 3)
    assert isinstance(await looks.told_of(subscription), SubscriptionFollows)


async def test_one_that_was_moved_is_behind_from_there(looks: Looks) -> None:
    subscription = pulled("moved", "message.*")
    await looks.acknowledge(subscription, 29)
    assert isinstance(await looks.told_of(subscription), SubscriptionFollows)
    moved = replace(subscription, moves=1, from_event="evt_log-0-0-5")
    told = await looks.told_of(moved)
    assert isinstance(told, SubscriptionLags)
    assert (told.behind, told.since_ms) == (25, 5)
