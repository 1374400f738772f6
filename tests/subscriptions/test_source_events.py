"""What subscriptions get of how others do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.events import SubscriptionFollows, SubscriptionLags, encode
from app.subscriptions.source_events import source_event
from app.topics import DELIVERIES


def kind_of(said: SubscriptionFollows | SubscriptionLags) -> str:
    record = SimpleNamespace(topic=DELIVERIES, partition=0, offset=3, value=encode(said))
    return source_event(record, 0).kind


@pytest.mark.parametrize(
    ("rooms", "kind"), [((), "subscription.follows"), (("tea",), "")], ids=["all", "tried"]
)
def test_a_subscription_of_which_events_are_tried_again_does_not_follow(
    rooms: tuple[str, ...], kind: str
) -> None:
    said = SubscriptionFollows(
        subscription="s", topic="chat.log", partition=0, at_ms=1, rooms=rooms
    )
    assert kind_of(said) == kind


def test_a_subscription_that_lags_is_told_of_with_its_rooms() -> None:
    said = SubscriptionLags(
        subscription="s", topic="chat.log", partition=0, at_ms=1, behind=3, rooms=("tea",)
    )
    assert kind_of(said) == "subscription.lags"
