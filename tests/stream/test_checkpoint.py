"""Table changes of several batches are stored together, and offsets committed only then."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from aiokafka.errors import MessageSizeTooLargeError

from app.domain.room import Member
from app.domain.versioned_value import POSITION_KEY, unwrap, version_of, wrap
from app.events import Position
from app.kafka.partition_reader import PartitionReader
from app.kafka.record import Record
from app.settings import Settings
from app.stream.acks import DeferredAck
from app.stream.changelog_reader import read_changelogs
from app.stream.checkpoint import Checkpointer
from tests.stream.test_batch_loop import TOO_LARGE
from tests.support.agents import groups
from tests.support.chat import until

P = 1


class Hand:
    """A record in hand, and whether the loop is done with it."""

    def __init__(self) -> None:
        self.done = False
        self.acks = DeferredAck(Record("chat.moderated", P, 0, b"k", b"v", ()), self._resolve)

    def _resolve(self) -> None:
        self.done = True


@pytest.fixture
def members(bench: Settings) -> Iterator[Any]:
    from tables.members import members

    members.forget()
    yield members
    members.forget()


def keeping(bench: Settings, members: Any, every: float) -> Checkpointer:
    read = partial(read_changelogs, bench, "parley-pipeline")
    return Checkpointer(groups()["pipeline"].producer, (members,), read, every)


async def changelog_records(bench: Settings, members: Any) -> list[Any]:
    """The records of the changelog."""
    async with PartitionReader(bench) as reader:
        return [record async for record in reader.read(members.changelog_topic_name, P, 0)]


async def in_changelog(bench: Settings, members: Any, key: str) -> int:
    """How many records of the key the changelog has."""
    records = await changelog_records(bench, members)
    return len([record for record in records if record.key == key.encode()])


async def test_batches_are_kept_together(bench: Settings, members: Any) -> None:
    kept, hands = keeping(bench, members, 60), [Hand() for _ in range(3)]
    for turn, hand in enumerate(hands, 1):
        members.write(P, "r/together", Member("owner", turn), turn)
        await kept.add(hand.acks)
    assert not any(hand.done for hand in hands)
    assert members.read(P, "r/together") == Member("owner", 3)
    assert await in_changelog(bench, members, "r/together") == 0
    await kept.run()
    assert all(hand.done for hand in hands)
    assert await in_changelog(bench, members, "r/together") == 1
    members.forget()
    assert members.read(P, "r/together") == Member("owner", 3)


async def test_what_nobody_asks_for_is_kept_a_little_later(bench: Settings, members: Any) -> None:
    hand = Hand()
    members.write(P, "r/later", Member("owner", 1), 1)
    await keeping(bench, members, 0.01).add(hand.acks)

    async def done() -> bool:
        return hand.done

    await until(done)


async def test_what_is_not_kept_yet_is_among_all_that_a_table_has(
    bench: Settings, members: Any
) -> None:
    kept = keeping(bench, members, 60)
    members.write(P, "r/waits", Member("owner", 1), 1)
    await kept.add(Hand().acks)
    assert dict(members.stored(P))["r/waits"] == Member("owner", 1)


async def test_what_the_batch_in_hand_writes_is_not_kept_before_its_outputs(
    bench: Settings, members: Any
) -> None:
    kept = keeping(bench, members, 60)
    members.write(P, "r/first", Member("owner", 1), 1)
    await kept.add(Hand().acks)
    members.write(P, "r/second", Member("owner", 1), 1)
    await kept.run()
    assert await in_changelog(bench, members, "r/first") == 1
    assert await in_changelog(bench, members, "r/second") == 0
    members.forget()
    assert members.read(P, "r/second") is None


async def test_a_position_follows_the_writes_that_it_speaks_of(
    bench: Settings, members: Any
) -> None:
    kept = keeping(bench, members, 60)
    members.note_position(P, Position(0, 7))
    members.write(P, "r/before", Member("owner", 1), 1)
    await kept.add(Hand().acks)
    await kept.run()
    records = await changelog_records(bench, members)
    assert [record.key for record in records[-2:]] == [b"r/before", POSITION_KEY]
    members.forget()
    assert members.position(P) == Position(0, 7)


async def test_an_epochs_position_and_values_replace_those_of_the_epochs_before(
    bench: Settings, members: Any
) -> None:
    kept = keeping(bench, members, 0)
    members.write(P, "r/late", Member("owner", 900), version_of(0, 900))
    members.note_position(P, Position(0, 900))
    await kept.add(Hand().acks)
    members.remove(P, b"r/late", 1)
    members.note_position(P, Position(1, 5))
    await kept.add(Hand().acks)
    members.forget()
    assert members.read(P, "r/late") is None
    assert members.position(P) == Position(1, 5)
    members.write(P, "r/late", Member("member", 3), version_of(1, 3))
    await kept.add(Hand().acks)
    members.forget()
    assert members.read(P, "r/late") == Member("member", 3)


async def test_changes_that_kafka_does_not_take_are_not_kept_and_nothing_is_committed(
    bench: Settings, members: Any
) -> None:
    kept, hand = keeping(bench, members, 60), Hand()
    members.write(P, "r/good", Member("owner", 1), 1)
    members.write(P, "r/bad", Member("x" * TOO_LARGE, 1), 1)
    await kept.add(hand.acks)
    with pytest.raises(MessageSizeTooLargeError):
        await kept.run()
    assert not hand.done
    members.forget()
    assert members.read(P, "r/good") is None


async def test_the_process_ends_where_changes_cannot_be_kept_later(
    bench: Settings, members: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[BaseException | None] = []
    monkeypatch.setattr("app.stream.checkpoint.fail_stop", lambda _, error: ends.append(error))
    members.write(P, "r/bad", Member("x" * TOO_LARGE, 1), 1)
    await keeping(bench, members, 0.01).add(Hand().acks)

    async def ended() -> bool:
        return bool(ends)

    await until(ended)
    assert isinstance(ends[0], MessageSizeTooLargeError)


async def test_what_another_worker_wrote_between_is_in_rocksdb_when_ours_is(
    bench: Settings, members: Any
) -> None:
    """Neither a worker that sleeps and wakes nor its successor stores an offset behind a gap."""
    kept = keeping(bench, members, 0)
    await _said(kept, members, "r/first", 1)
    await _theirs(members, "r/theirs", Member("owner", 7), 7)
    await _said(kept, members, "r/second", 2)
    members.forget()
    assert members.read(P, "r/theirs") == Member("owner", 7)
    assert members.read(P, "r/second") == Member("owner", 2)
    assert members.stored_offset(P) == await _end(bench, members) - 1


async def test_what_a_worker_that_slept_still_writes_does_not_stay(
    bench: Settings, members: Any
) -> None:
    """Not in its own RocksDB, and not as the last word of the changelog."""
    kept = keeping(bench, members, 0)
    await _said(kept, members, "r/slept", 1)
    members.write(P, "r/slept", Member("owner", 2), 2)
    await _theirs(members, "r/slept", Member("admin", 9), 9)
    await kept.add(Hand().acks)

    async def theirs_is_last() -> bool:
        return (await _versions(bench, members, "r/slept"))[-1] == 9

    await until(theirs_is_last)
    members.forget()
    assert members.read(P, "r/slept") == Member("admin", 9)
    assert 2 in await _versions(bench, members, "r/slept")


async def test_who_goes_on_beside_it_has_the_last_word(bench: Settings, members: Any) -> None:
    kept = keeping(bench, members, 0)
    await _said(kept, members, "r/mine", 8)
    await _theirs(members, "r/mine", Member("owner", 3), 3)
    await _said(kept, members, "r/another", 1)

    async def mine_is_last() -> bool:
        return (await _versions(bench, members, "r/mine"))[-1] == 8

    await until(mine_is_last)
    assert members.read(P, "r/mine") == Member("owner", 8)


async def test_what_waits_of_a_partition_that_is_gone_is_dropped(
    bench: Settings, members: Any
) -> None:
    kept = keeping(bench, members, 60)
    await _said(kept, members, "r/gone", 1)
    members.assign({P + 1: 0})
    await kept.run()
    assert await in_changelog(bench, members, "r/gone") == 0


async def _said(kept: Checkpointer, members: Any, key: str, version: int) -> None:
    members.write(P, key, Member("owner", version), version)
    await kept.add(Hand().acks)


async def _theirs(members: Any, key: str, value: Member, version: int) -> None:
    raw = wrap(version, msgspec.msgpack.encode(value))
    producer = groups()["pipeline"].producer
    await (await producer.send(members.changelog_topic_name, key.encode(), raw, P, None, None))


async def _end(bench: Settings, members: Any) -> int:
    async with PartitionReader(bench) as reader:
        return await reader.end(members.changelog_topic_name, P)


async def _versions(bench: Settings, members: Any, key: str) -> list[int]:
    async with PartitionReader(bench) as reader:
        records = reader.read(members.changelog_topic_name, P, 0)
        return [unwrap(r.value).version async for r in records if r.key == key.encode()]
