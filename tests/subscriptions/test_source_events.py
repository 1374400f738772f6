"""What subscriptions get of how others do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.events import POS, TRACEPARENT, SubscriptionFollows, SubscriptionLags, encode
from app.subscriptions.source_events import source_event
from app.topics import DELIVERIES, LOG


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


@pytest.mark.parametrize(
    "header", [None, b"garbage", b"00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01"]
)
def test_an_event_has_the_trace_of_its_record_and_no_other(header: bytes | None) -> None:
    headers = [(POS, b"3")] if header is None else [(POS, b"3"), (TRACEPARENT, header)]
    value = b'{"kind":"message.created","room":"r","at_ms":1}'
    record = SimpleNamespace(topic=LOG, partition=0, offset=3, value=value, headers=headers)
    event = source_event(record, 0)
    assert event.kind == "message.created"
    assert event.trace == ("" if header in (None, b"garbage") else header.decode())  # type: ignore[union-attr]
