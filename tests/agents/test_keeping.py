"""What batches change in tables is kept together, behind them, and committed only then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from app.groups import groups
from app.keeping import Keeping
from app.log_reader import LogReader
from app.record import Record
from app.rules.room import Member
from app.settings import Settings
from app.taken import Deferred
from tests.agents.test_loop import TOO_LARGE
from tests.chat import until

P = 1
LOG_PLACE = ("chat.log", P)


class Hand:
    """A record in hand, and whether the loop is done with it."""

    def __init__(self) -> None:
        self.done = False
        self.taken = Deferred(Record("chat.moderated", P, 0, b"k", b"v", ()), self._resolve)

    def _resolve(self) -> None:
        self.done = True


@pytest.fixture
def members(bench: Settings) -> Iterator[Any]:
    from tables.members import members

    members.forget()
    yield members
    members.forget()


def keeping(members: Any, every: float) -> Keeping:
    return Keeping(groups()["pipeline"].producer, (members,), every)


async def in_changelog(bench: Settings, members: Any, key: str) -> int:
    """How many records of the key the changelog has."""
    async with LogReader(bench) as reader:
        records = reader.read(members.changelog_topic_name, P, 0)
        return len([1 async for record in records if record.key == key.encode()])


async def test_batches_are_kept_together(bench: Settings, members: Any) -> None:
    kept, hands = keeping(members, 60), [Hand() for _ in range(3)]
    for turn, hand in enumerate(hands, 1):
        members.write(P, "r/together", Member("owner", turn), turn)
        await kept.owe(hand.taken, {LOG_PLACE: turn})
    assert not any(hand.done for hand in hands)
    assert members.read(P, "r/together") == Member("owner", 3)
    assert await in_changelog(bench, members, "r/together") == 0
    await kept.now()
    assert all(hand.done for hand in hands)
    assert await in_changelog(bench, members, "r/together") == 1
    members.forget()
    assert members.read(P, "r/together") == Member("owner", 3)


async def test_what_nobody_asks_for_is_kept_a_little_later(members: Any) -> None:
    hand = Hand()
    members.write(P, "r/later", Member("owner", 1), 1)
    await keeping(members, 0.01).owe(hand.taken, {})

    async def done() -> bool:
        return hand.done

    await until(done)


async def test_what_is_not_kept_yet_is_among_all_that_a_table_has(members: Any) -> None:
    kept = keeping(members, 60)
    members.write(P, "r/waits", Member("owner", 1), 1)
    await kept.owe(Hand().taken, {})
    assert dict(members.kept(P))["r/waits"] == Member("owner", 1)


async def test_what_the_batch_in_hand_writes_is_not_kept_before_its_outputs(
    bench: Settings, members: Any
) -> None:
    kept = keeping(members, 60)
    members.write(P, "r/first", Member("owner", 1), 1)
    await kept.owe(Hand().taken, {})
    members.write(P, "r/second", Member("owner", 1), 1)
    await kept.now()
    assert await in_changelog(bench, members, "r/first") == 1
    assert await in_changelog(bench, members, "r/second") == 0
    members.forget()
    assert members.read(P, "r/second") is None


async def test_where_tables_stand_is_told_when_all_of_it_is_kept(members: Any) -> None:
    kept = keeping(members, 60)
    kept.newly_kept(7)
    for offset in (3, 5):
        await kept.owe(Hand().taken, {LOG_PLACE: offset})
        assert kept.newly_kept(7) == {}
    await kept.now()
    assert kept.newly_kept(7) == {LOG_PLACE: 5}
    assert kept.newly_kept(7) == {}


async def test_where_tables_stood_before_a_rebalance_is_not_told_after_it(members: Any) -> None:
    kept = keeping(members, 0)
    kept.newly_kept(7)
    await kept.owe(Hand().taken, {LOG_PLACE: 5})
    assert kept.newly_kept(8) == {}


async def test_changes_that_kafka_does_not_take_are_not_kept_and_nothing_is_committed(
    members: Any,
) -> None:
    kept, hand = keeping(members, 60), Hand()
    members.write(P, "r/good", Member("owner", 1), 1)
    members.write(P, "r/bad", Member("x" * TOO_LARGE, 1), 1)
    await kept.owe(hand.taken, {LOG_PLACE: 5})
    with pytest.raises(MessageSizeTooLargeError):
        await kept.now()
    assert not hand.done
    assert kept.newly_kept(-1) == {}
    members.forget()
    assert members.read(P, "r/good") is None


async def test_the_process_ends_where_changes_cannot_be_kept_later(
    members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[BaseException | None] = []
    monkeypatch.setattr("app.keeping.end_in_doubt", lambda _, error: ends.append(error))
    members.write(P, "r/bad", Member("x" * TOO_LARGE, 1), 1)
    await keeping(members, 0.01).owe(Hand().taken, {})

    async def ended() -> bool:
        return bool(ends)

    await until(ended)
    assert isinstance(ends[0], MessageSizeTooLargeError)
