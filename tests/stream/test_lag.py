from __future__ import annotations

import pytest
from faust.types import TP

from app.kafka.record import Record
from app.stream import lag
from app.stream.acks import Chunk
from app.stream.lag import Behind, UnprocessedChunks

PLACE = TP("chat.log", 3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time in ms, as the only item."""
    now = [100_000]
    monkeypatch.setattr(lag, "now_ms", lambda: now[0])
    return now


def chunk(start: int, end: int, since_ms: int) -> Chunk:
    records = [Record(PLACE.topic, PLACE.partition, at, b"", b"", ()) for at in range(start, end)]
    return Chunk(PLACE, records, 1, since_ms)


def test_a_partition_at_its_end_is_not_behind(clock: list[int]) -> None:
    assert UnprocessedChunks().behind(PLACE, 7, 7) == Behind(0, 0.0)


def test_the_oldest_chunk_that_is_not_processed_has_the_age(clock: list[int]) -> None:
    chunks = UnprocessedChunks()
    chunks.add(chunk(10, 20, 90_000))
    chunks.add(chunk(20, 25, 99_000))
    assert chunks.behind(PLACE, 10, 25) == Behind(15, 10.0)
    chunks.drop(PLACE, 20)
    assert chunks.behind(PLACE, 20, 25) == Behind(5, 1.0)
    assert chunks.behind(PLACE, 25, 25) == Behind(0, 0.0)


def test_records_that_were_handed_off_count_though_no_fetch_has_told_of_them(
    clock: list[int],
) -> None:
    chunks = UnprocessedChunks()
    chunks.add(chunk(10, 12, 60_000))
    assert chunks.behind(PLACE, 10, 10) == Behind(2, 40.0)


def test_what_is_not_fetched_counts_from_when_it_was_first_seen(clock: list[int]) -> None:
    chunks = UnprocessedChunks()
    assert chunks.behind(PLACE, 5, 9) == Behind(4, 0.0)
    clock[0] += 3_000
    assert chunks.behind(PLACE, 5, 9) == Behind(4, 3.0)
    chunks.behind(PLACE, 9, 9)
    assert chunks.behind(PLACE, 9, 10) == Behind(1, 0.0)


def test_a_chunk_that_was_acknowledged_late_does_not_age_what_came_after_it(
    clock: list[int],
) -> None:
    chunks = UnprocessedChunks()
    chunks.add(chunk(0, 1, 1_000))
    chunks.add(chunk(1, 2, 99_500))
    assert chunks.behind(PLACE, 1, 2) == Behind(1, 0.5)


def test_nothing_is_left_of_partitions_that_move(clock: list[int]) -> None:
    chunks = UnprocessedChunks()
    chunks.add(chunk(0, 5, 1_000))
    chunks.clear()
    assert chunks.behind(PLACE, 0, 5) == Behind(5, 0.0)
