"""A worker that slept writes old values into the changelog: the newer version stays."""

from __future__ import annotations

from dataclasses import replace as with_changes
from typing import Any

import msgspec
from faust.types import TP
from msgspec.structs import replace

from app.domain.versioned_value import unwrap, wrap
from app.events import (
    AnyLogEvent,
    CreateRoom,
    MemberAdded,
    MemberRemoved,
    MessageCreated,
    MessageDeleted,
    Moderated,
    ReactionAdded,
    RoomCreated,
    SendMessage,
    Source,
    decode_log,
    encode,
)
from app.kafka.partition_reader import PartitionReader
from app.kafka.record_digests import digest_of
from app.settings import Settings
from app.stream.changelog_check import others
from app.stream.changelog_reader import read_changelogs
from app.stream.rocksdb_store import ChangelogMark
from app.topics import LOG, partition_of
from tests.agents.test_rooms import uuid
from tests.support.agents import Read, groups, running
from tests.support.chat import until

ROOM = "slept"


class Recovered:
    """A changelog record as Faust hands it to a table."""

    def __init__(self, record: Any) -> None:
        self.message = record


def command(number: int) -> bytes:
    stamp = {"room": ROOM, "by": "ann", "id": uuid(number), "client_id": f"{number}"}
    wish = CreateRoom(**stamp) if number == 0 else SendMessage(**stamp, text=f"{number}")
    return encode(Moderated(src=100 + number, at_ms=1, command=wish))


async def changelog(bench: Settings, table: Any, partition: int) -> list[Any]:
    async with PartitionReader(bench) as reader:
        return [record async for record in reader.read(table.changelog_topic_name, partition, 0)]


async def written(bench: Settings, table: Any, partition: int, version: int) -> bool:
    """Whether that is the version in the room's last record of the changelog."""
    of_room = [r for r in await changelog(bench, table, partition) if r.key == ROOM.encode()]
    return unwrap(of_room[-1].value).version == version


async def test_an_older_version_behind_a_newer_one_is_not_taken_and_written_over(
    bench: Settings, read: Read
) -> None:
    from agents.rooms import rooms
    from tables.rooms import rooms as heads

    partition = partition_of(ROOM, bench.partitions)
    async with PartitionReader(bench) as reader:
        start = await reader.end(LOG, partition)
    async with running(rooms) as put:
        for number in range(3):
            await put(ROOM.encode(), command(number), partition, 100 + number)
            await read(LOG, partition, number + 1, start)
    # Of every key, those by which RocksDB knows how far it stands are none.
    assert ROOM in dict(heads.prefixed(partition, ""))
    records = [r for r in await changelog(bench, heads, partition) if r.key == ROOM.encode()]
    sleeper = records[0]
    assert unwrap(sleeper.value).version < unwrap(records[-1].value).version
    pipeline = groups()["pipeline"]
    await (
        await pipeline.producer.send(
            heads.changelog_topic_name, sleeper.key, sleeper.value, partition, None, None
        )
    )

    for table in pipeline.tables.values():
        table.forget()
        table.reset_state()
    pipeline.conf.tabledir.mkdir(parents=True, exist_ok=True)
    for table in pipeline.tables.values():
        table.apply_changelog_batch(map(Recovered, await changelog(bench, table, partition)))
    async with running(rooms) as put:
        await put(ROOM.encode(), command(3), partition, 103)
        events = [decode_log(record.value) for record in await read(LOG, partition, 4, start)]
        await until(lambda: written(bench, heads, partition, 4))
    assert [event.n for event in events] == [1, 2, 3, 4]


async def test_what_was_overtaken_is_written_once_more_although_nobody_writes_to_it(
    bench: Settings,
) -> None:
    from tables.rooms import rooms as heads

    heads.forget()
    partition = partition_of(ROOM, bench.partitions)
    records = [r for r in await changelog(bench, heads, partition) if r.key == ROOM.encode()]
    heads.apply_changelog_batch(map(Recovered, [records[-1], records[0]]))
    heads.settle()
    [record] = heads.take_changes().records()
    assert record.value == records[-1].value
    heads.forget()


async def test_what_another_worker_wrote_meanwhile_is_read(bench: Settings) -> None:
    """A partition that comes back brings its changes, over what was read here before."""
    from tables.rooms import rooms as heads

    heads.forget()
    partition = partition_of(ROOM, bench.partitions)
    records = [r for r in await changelog(bench, heads, partition) if r.key == ROOM.encode()]
    known = heads.read(partition, ROOM)
    assert known is not None
    version = unwrap(records[-1].value).version
    theirs = wrap(version + 1, msgspec.msgpack.encode(replace(known, n=known.n + 1)))
    heads.recover(partition, [with_changes(records[-1], value=theirs)])
    assert heads.read(partition, ROOM) == replace(known, n=known.n + 1)


async def test_a_table_that_is_gone_comes_back_from_its_changelog(bench: Settings) -> None:
    from tables.rooms import rooms as heads

    pipeline = groups()["pipeline"]
    partition = partition_of(ROOM, bench.partitions)
    records = await changelog(bench, heads, partition)
    heads.forget()
    heads.reset_state()
    pipeline.conf.tabledir.mkdir(parents=True, exist_ok=True)
    place, end = TP(heads.changelog_topic_name, partition), records[-1].offset + 1
    await read_changelogs(bench, pipeline.conf.id, {place: heads}, {place: (0, end)})
    newest = max(unwrap(r.value).version for r in records if r.key == ROOM.encode())
    found = heads.read(partition, ROOM)
    assert found is not None
    assert found.n == newest
    assert heads.stored_offset(partition) == end - 1


async def test_a_store_knows_whether_its_changelog_is_still_the_one_it_was_written_from(
    bench: Settings,
) -> None:
    from tables.rooms import rooms as heads

    partition = partition_of(ROOM, bench.partitions)
    place = TP(heads.changelog_topic_name, partition)
    last = (await changelog(bench, heads, partition))[-1]
    mark = heads.store.last_record(partition)
    assert mark == ChangelogMark(last.offset, digest_of(last))
    assert await others(bench, {place: mark}) == set()
    assert await others(bench, {place: mark._replace(digest=mark.digest ^ 1)}) == {place}
    before = ChangelogMark(last.offset - 1, mark.digest)
    assert await others(bench, {place: before}) == {place}


async def test_a_store_that_an_earlier_release_has_written_on_is_taken_as_it_is(
    bench: Settings,
) -> None:
    from tables.rooms import rooms as heads

    partition = partition_of(ROOM, bench.partitions)
    store = heads.store
    assert store.last_record(partition) is not None
    assert not any(key.startswith(b"__parley") for key, _ in store.entries(partition))
    offset = heads.stored_offset(partition)
    assert offset is not None
    store.set_persisted_offset(TP(heads.changelog_topic_name, partition), offset + 1)
    assert store.last_record(partition) is None
    store.set_persisted_offset(TP(heads.changelog_topic_name, partition), offset)


async def test_what_comes_late_once_more_sets_no_value_back(bench: Settings) -> None:
    """The log may have an event twice, where a worker that slept has written it again."""
    from agents.rooms import _apply
    from tables.members import members
    from tables.messages import messages

    room, partition = "again", partition_of("again", bench.partitions)
    common = {"room": room, "by": "ann", "at_ms": 1, "client_id": ""}
    story: list[AnyLogEvent] = [
        RoomCreated(**common, n=1, id=uuid(1), type="group", name=""),
        MemberAdded(**common, n=2, id=uuid(2), user="ben", role="member"),
        MessageCreated(**common, n=3, id=uuid(3), seq=1, text="so"),
        ReactionAdded(**common, n=4, id=uuid(4), seq=1, emoji="👍"),
        MemberRemoved(**common, n=5, id=uuid(5), user="ben"),
        MessageDeleted(**common, n=6, id=uuid(6), seq=1, of=3),
    ]
    for src, event in enumerate(story):
        _apply(partition, 0, event, Source(0, src), 0)
    known = messages.read(partition, f"{room}/1")
    for src, event in enumerate(story[1:4], 1):
        _apply(partition, 0, event, Source(0, src), 0)
    assert members.read(partition, f"{room}/ben") is None
    assert messages.read(partition, f"{room}/1") == known
    assert known is not None
    assert known.deleted
    for table in groups()["pipeline"].tables.values():
        table.forget()
