"""The store knows how far the archive has come, and never claims what is not there."""

from __future__ import annotations

from msgspec.structs import replace

from app.history.engine import connect, history_url
from app.history.entry import Entry
from app.history.progress import Standing
from app.history.store import History
from tests.history.room import entries


def placed(room: str, count: int, partition: int, first: int) -> list[Entry]:
    found = entries(room, count)[:count]
    return [one._replace(partition=partition, pos=first + i) for i, one in enumerate(found)]


async def test_progress_is_that_of_the_newest_stored_event_of_each_partition(
    history: History,
) -> None:
    a, b = placed("a", 4, 1, 10), placed("b", 3, 2, 0)
    assert await history.standing("a", 1) == Standing(1, 0, None)
    await history.append([*a[:2], *b])
    assert await history.archived() == {1: 12, 2: 3}
    assert await history.standing("a", 1) == Standing(1, 2, 12)
    assert await history.standing("b", 2) == Standing(1, 3, 3)
    assert await history.newest_events(["a", "b", "c"]) == {"a": 2, "b": 3}
    await history.append(a[1:])
    assert await history.standing("a", 1) == Standing(1, 4, 14)


async def test_an_archive_that_goes_back_claims_less_not_more(history: History) -> None:
    a = placed("a", 4, 1, 10)
    await history.append(a)
    await history.append(a[:1])
    assert await history.standing("a", 1) == Standing(1, 4, 11)


async def test_events_without_a_place_leave_the_progress_unknown(history: History) -> None:
    """As a store has it that an older archive has written."""
    await history.append(entries("a", 3)[:3])
    assert await history.standing("a", 0) == Standing(1, 3, None)
    assert await history.archived() == {}


async def test_a_store_of_an_earlier_parley_gets_what_it_lacks_and_keeps_its_erasures(
    history: History, url: str
) -> None:
    await history.append(entries("a", 3)[:3])
    await history.forget("ann", until_ms=5)
    engine = connect(history_url(url))
    async with engine.begin() as connection:
        for table in ("parley_archived", "parley_forgotten_ends"):
            await connection.exec_driver_sql(f"DROP TABLE {table}")
    await engine.dispose()
    reopened = History(url)
    await reopened.open()
    assert await reopened.standing("a", 1) == Standing(1, 3, None)
    a = placed("a", 6, 1, 10)
    said = [replace(one.event, at_ms=5 + i) for i, one in enumerate(a[3:])]
    await reopened.append(
        [one._replace(event=event) for one, event in zip(a[3:], said, strict=True)]
    )
    assert (await reopened.standing("a", 1)).upto == 16
    await reopened.close()
