"""Reading a log ends: with what there is, or with what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.errors import KafkaError

from app.groups import groups
from app.log_reader import LogReader
from app.settings import Settings
from app.topics import RAW

P = 6


async def said(bench: Settings) -> int:
    """The offset of a record that is there now."""
    sent = await groups()["pipeline"].producer.send(RAW, b"k", b"v", P, None, None)
    return int((await sent).offset)


async def broken_reading(bench: Settings, offset: int) -> None:
    def breaks(_: Any) -> None:
        raise ValueError("in aiokafka")

    async with LogReader(bench) as reader:
        fetcher: Any = reader._consumer._fetcher
        fetcher._get_actions_per_node = breaks
        [record async for record in reader.read(RAW, P, offset)]


async def test_a_fetching_that_broke_off_is_told_and_not_waited_for(bench: Settings) -> None:
    offset = await said(bench)
    with pytest.raises(KafkaError):
        await broken_reading(bench, offset)


async def test_a_place_that_was_lost_sight_of_is_asked_for_anew(
    bench: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offset = await said(bench)
    async with LogReader(bench) as reader:
        fetcher: Any = reader._consumer._fetcher
        stock, assigned = fetcher._get_actions_per_node, []

        def loses_sight(assignment: Any) -> Any:
            if assignment not in assigned:
                assigned.append(assignment)
            if len(assigned) > 1:
                return stock(assignment)
            return [], {}, 0.1, False, []

        monkeypatch.setattr(fetcher, "_get_actions_per_node", loses_sight)
        found = [record.offset async for record in reader.read(RAW, P, offset)]
    assert found[0] == offset
