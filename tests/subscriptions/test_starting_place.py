"""Where a subscription goes on when the log is another than it was: no event is left out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace as replace_struct

from app.domain.subscriptions.backlog import Held, Place
from app.errors import Malformed
from app.events import Position, Subscription
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.log_search import offset_behind_position
from app.subscriptions.named_event import time_of_event
from app.subscriptions.starting_place import starting_place
from app.topics import LOG
from tests.subscriptions.conftest import POSITIONS

SOURCE = Source(LOG, 0)


def subscription(moves: int = 0, from_ms: int = 0) -> Subscription:
    return Subscription(id="s", by="ann", at_ms=1, url="u", moves=moves, from_ms=from_ms)


async def test_the_first_record_behind_any_position_is_found(log: Settings) -> None:
    async with PartitionReader(log) as reader:
        for number, position in enumerate(POSITIONS):
            assert await offset_behind_position(reader, 0, position) == 7 + number + 1
        # Events that were lost stand before the first one of the next epoch.
        assert await offset_behind_position(reader, 0, Position(0, 20)) == 7 + 15
        assert await offset_behind_position(reader, 0, Position(0, -1)) <= 7
        assert await offset_behind_position(reader, 0, Position(9, 0)) == 37


async def test_a_place_whose_offset_names_another_record_is_found_by_its_position(
    log: Settings,
) -> None:
    window = EventWindow(log, lambda *_: 0)
    try:
        await window.begin(SOURCE)
        right = Place(0, 9, offset=17, moves=0, writes=3)
        assert await starting_place(window, SOURCE, subscription(), right) == right
        moved = Place(0, 9, offset=1_010, held={"r": Held(0, 4, 1_005)}, writes=3)
        found = await starting_place(window, SOURCE, subscription(), moved)
        assert (found.epoch, found.pos, found.writes) == (0, 9, 3)
        first = await window.read(SOURCE, found.first_offset)
        assert first[0].position == Position(0, 4)
        lost = Place(0, 20, offset=28)
        found = await starting_place(window, SOURCE, subscription(), lost)
        assert (await window.read(SOURCE, found.first_offset))[0].position == Position(1, 15)
    finally:
        await window.stop()


async def test_a_moved_subscription_begins_at_its_time_and_a_new_one_too(log: Settings) -> None:
    window = EventWindow(log, lambda *_: 0)
    try:
        await window.begin(SOURCE)
        stored = Place(1, 20, offset=28, moves=0, writes=8)
        found = await starting_place(window, SOURCE, subscription(moves=1), stored)
        assert (found.first_offset, found.moves, found.writes) == (0, 1, 8)
        found = await starting_place(window, SOURCE, subscription(from_ms=2**45), None)
        assert found.first_offset == 37
    finally:
        await window.stop()


async def test_a_subscription_that_is_moved_to_an_event_begins_with_it(log: Settings) -> None:
    assert await time_of_event(log, "evt_log-0-1-15") == 15
    window = EventWindow(log, lambda *_: 0)
    try:
        await window.begin(SOURCE)
        moved = replace_struct(subscription(), from_event="evt_log-0-1-15", from_ms=15)
        found = await starting_place(window, SOURCE, moved, None)
        assert (await window.read(SOURCE, found.first_offset))[0].position == Position(1, 15)
        beside = replace_struct(moved, from_event="evt_log-1-1-15", from_ms=2**45)
        assert (await starting_place(window, SOURCE, beside, None)).first_offset == 37
    finally:
        await window.stop()


@pytest.mark.parametrize(
    "event", ["evt_log-0-0-20", "evt_log-0-1-30", "evt_log-9-0-1", "evt_receipts-0-0-1", "evt_log"]
)
async def test_an_event_that_the_log_does_not_have_is_no_place_to_begin(
    log: Settings, event: str
) -> None:
    with pytest.raises(Malformed, match=event):
        await time_of_event(log, event)
