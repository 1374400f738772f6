"""Schedules: when a handler of `every` is due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agentkit.schedule import parse, zone_named
from app.errors import Malformed

BERLIN = ZoneInfo("Europe/Berlin")
TEXTS = ["5 seconds", "15 minutes", "hour", "day at 09:00", "monday at 02:30", "day at 23:59"]


def ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "now", "due"),
    [
        ("15 minutes", "2024-01-01 08:07", "2024-01-01 08:15"),
        ("hour", "2024-01-01 08:00", "2024-01-01 09:00"),
        ("day at 09:00", "2024-01-01 08:00", "2024-01-01 09:00"),
        ("day at 09:00", "2024-01-01 09:00", "2024-01-02 09:00"),
        ("sunday at 09:00", "2024-01-01 08:00", "2024-01-07 09:00"),
    ],
)
def test_the_next_time_is_the_first_after_now(text: str, now: str, due: str) -> None:
    at, then = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (now, due))
    assert parse(text).after(ms(at)) == ms(then)


def test_a_time_of_day_is_that_of_the_zone_also_when_clocks_change() -> None:
    schedule = parse("day at 09:00", BERLIN)
    before = schedule.after(ms(datetime(2024, 3, 29, 12, tzinfo=BERLIN)))
    after = schedule.after(before)
    assert after - before == timedelta(hours=23) / timedelta(milliseconds=1) or (
        schedule.after(after) - after == timedelta(hours=23) / timedelta(milliseconds=1)
    )
    for due in (before, after):
        assert datetime.fromtimestamp(due / 1000, BERLIN).hour == 9


@given(
    st.sampled_from(TEXTS),
    st.sampled_from([UTC, BERLIN]),
    st.integers(0, 4 * 10**12),
)
def test_times_go_on_and_none_is_left_out(text: str, zone: ZoneInfo, now: int) -> None:
    schedule = parse(text, zone)
    due = schedule.after(now)
    assert now < due
    # No time lies between: from just before it, the same one is next.
    assert schedule.after(due - 1) == due
    assert schedule.missed(due, due) == 0
    assert schedule.missed(due, schedule.after(schedule.after(due))) == 2


@pytest.mark.parametrize("text", ["", "day", "day at 9", "day at 24:00", "0 minutes", "fortnight"])
def test_another_text_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Malformed, match="day at 09:00"):
        parse(text)


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(Malformed, match="Europe/Berlni"):
        zone_named("Europe/Berlni")
