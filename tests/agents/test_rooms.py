from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from app.events import (
    SRC,
    AddMember,
    AnyCommand,
    CreateRoom,
    MessageCreated,
    Moderated,
    Refusal,
    RemoveMember,
    SendMessage,
    decode_dead,
    decode_log,
    decode_verdict,
    encode,
)
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import DEAD, LOG, MODERATED, VERDICTS, partition_of
from tests.support.agents import Buried, Read, groups, running


def uuid(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


class Room:
    """A room on its own partition of the bench's topics, from where they end now."""

    def __init__(self, name: str, bench: Settings) -> None:
        self.name = name
        self.partition = partition_of(name, bench.partitions)
        self._bench = bench

    async def begin(self) -> Room:
        async with PartitionReader(self._bench) as reader:
            self.log_start = await reader.end(LOG, self.partition)
            self.verdict_start = await reader.end(VERDICTS, self.partition)
        return self

    def message(self, number: int, by: str = "ann", client_id: str = "") -> SendMessage:
        client_id = client_id or f"m{number}"
        return SendMessage(
            room=self.name, by=by, id=uuid(number), client_id=client_id, text=f"{number}"
        )

    def opening(self) -> CreateRoom:
        return CreateRoom(room=self.name, by="ann", id=uuid(0), client_id="open")

    async def put(self, put: Any, command: AnyCommand, src: int, refusal: Any = None) -> None:
        moderated = Moderated(src=src, at_ms=5, command=command, refusal=refusal)
        await put(self.name.encode(), encode(moderated), self.partition, src)


async def test_events_are_numbered_and_carry_what_caused_them(bench: Settings, read: Read) -> None:
    from agents.rooms import rooms

    room = await Room("numbered", bench).begin()
    async with running(rooms) as put:
        await room.put(put, room.opening(), 10)
        for src in (11, 13, 17):
            await room.put(put, room.message(src), src)
        records = await read(LOG, room.partition, 4, room.log_start)
    events = [decode_log(record.value) for record in records]
    assert [event.n for event in events] == [1, 2, 3, 4]
    assert [int(dict(record.headers)[SRC]) for record in records] == [10, 11, 13, 17]
    assert {event.at_ms for event in events} == {5}


async def test_refusals_and_repetitions_are_answered(bench: Settings, read: Read) -> None:
    from agents.rooms import rooms

    room = await Room("answered", bench).begin()
    async with running(rooms) as put:
        await room.put(put, room.opening(), 10)
        await room.put(put, room.message(1), 11)
        await room.put(put, room.message(2, by="mallory"), 12)
        await room.put(put, room.message(3), 13, Refusal("blocked", "no"))
        await room.put(put, room.message(4, client_id="m1"), 14)
        records = await read(VERDICTS, room.partition, 3, room.verdict_start)
    verdicts = [decode_verdict(record.value) for record in records]
    codes = [verdict.refusal.code if verdict.refusal else "" for verdict in verdicts]
    assert codes == ["room_unknown", "blocked", ""]
    repeated = verdicts[2]
    assert (repeated.id, repeated.event_id, repeated.n, repeated.seq) == (uuid(4), uuid(1), 2, 1)


async def test_members_are_mentioned_however_they_are_written_while_they_are_members(
    bench: Settings, read: Read
) -> None:
    from agents.rooms import rooms
    from tables.member_names import MemberNames

    room = await Room("mentioning", bench).begin()
    stamp = {"room": "mentioning", "by": "ann"}
    commands: list[AnyCommand] = [
        room.opening(),
        AddMember(**stamp, id=uuid(1), client_id="a1", user="ben"),
        replace(room.message(2), text="@Ben's, @Eva, ＠小明，你好"),
        AddMember(**stamp, id=uuid(3), client_id="a3", user="Eva"),
        AddMember(**stamp, id=uuid(4), client_id="a4", user="小明"),
        replace(room.message(5), text="@Ben's,@eva: ＠小明，你好 @room"),
        RemoveMember(**stamp, id=uuid(6), client_id="a6", user="ben"),
        replace(room.message(7), text="@ben,@eva"),
        AddMember(**stamp, id=uuid(8), client_id="a8", user="room"),
        replace(room.message(9), text="@room"),
    ]
    async with running(rooms) as put:
        for src, command in enumerate(commands[:6], 10):
            await room.put(put, command, src)
        await read(LOG, room.partition, 6, room.log_start)
    for table in groups()["pipeline"].tables.values():
        table.forget()  # as after a rebalance: the names are read from the table again
    others = [f"beside-{i}" for i in range(100)]
    other = next(name for name in others if partition_of(name, bench.partitions) == room.partition)
    beside = CreateRoom(room=other, by="ann", id=uuid(90), client_id="b", type="public")
    async with running(rooms) as put:
        for src, command in enumerate(commands[6:], 16):
            await room.put(put, command, src)
        await put(
            other.encode(), encode(Moderated(src=30, at_ms=5, command=beside)), room.partition, 30
        )
        records = await read(LOG, room.partition, len(commands) + 1, room.log_start)
        few = MemberNames(most=4)
        assert set(few.of(room.partition, "mentioning")) == {"ann", "Eva", "小明", "room"}
        assert (set(few.of(room.partition, other)), len(few)) == ({"ann"}, 1)
        assert len(few.of(room.partition, "mentioning")) == len(few) == 4
    said = [e for e in map(decode_log, (r.value for r in records)) if isinstance(e, MessageCreated)]
    assert [(event.mentions, event.everyone) for event in said] == [
        (("ben",), False),
        (("ben", "Eva", "小明"), True),
        (("Eva",), False),
        (("room",), False),
    ]


async def test_tables_that_are_gone_follow_the_log_again(bench: Settings, read: Read) -> None:
    from agents.rooms import rooms

    room = await Room("regained", bench).begin()
    async with running(rooms) as put:
        await room.put(put, room.opening(), 10)
        await room.put(put, room.message(1), 11)
        await read(LOG, room.partition, 2, room.log_start)
    for table in groups()["pipeline"].tables.values():
        table.forget()
        table.reset_state()
    groups()["pipeline"].conf.tabledir.mkdir(parents=True)
    async with running(rooms) as put:
        await room.put(put, room.message(1), 11)
        await room.put(put, room.message(2), 12)
        await room.put(put, room.message(9, client_id="m1"), 13)
        records = await read(LOG, room.partition, 3, room.log_start)
        verdicts = await read(VERDICTS, room.partition, 1, room.verdict_start)
    assert [decode_log(record.value).n for record in records] == [1, 2, 3]
    assert decode_verdict(verdicts[0].value).n == 2


async def test_an_event_that_a_rule_fails_on_is_buried_and_the_next_one_goes_on(
    bench: Settings, read: Read
) -> None:
    from agents.rooms import rooms

    room = await Room("failing", bench).begin()
    no_uuid = SendMessage(room="failing", by="ann", id="not a uuid", client_id="x", text="x")
    async with running(rooms) as put:
        await room.put(put, room.opening(), 30)
        await room.put(put, no_uuid, 31)
        await room.put(put, room.message(1), 32)
        records = await read(LOG, room.partition, 2, room.log_start)
    assert [decode_log(record.value).n for record in records] == [1, 2]
    async with PartitionReader(bench) as reader:
        dead = [
            decode_dead(record.value)
            for place in range(bench.partitions)
            async for record in reader.read(DEAD, place, 0)
        ]
    assert [(d.offset, "UUID" in d.reason) for d in dead if d.topic == MODERATED] == [(31, True)]


async def test_tables_follow_the_log_past_what_is_no_step_of_a_room(
    bench: Settings, read: Read
) -> None:
    from agents.rooms import rooms

    room = await Room("past-poison", bench).begin()
    async with running(rooms) as put:
        await room.put(put, room.opening(), 10)
        await room.put(put, room.message(1), 11)
        await read(LOG, room.partition, 2, room.log_start)
    names = list(map(str, range(99)))
    beside = next(name for name in names if partition_of(name, 8) == room.partition)
    elsewhere = next(name for name in names if partition_of(name, 8) != room.partition)
    said = MessageCreated(
        room=room.name, n=3, by="ann", at_ms=5, id=uuid(9), client_id="x", seq=2, text="x"
    )
    for event, src in (
        (said, b"no number"),
        (said, b"9" * 30),
        (said, None),
        (replace(said, room=elsewhere), b"12"),
        (replace(said, room=beside), b"12"),
        (replace(said, n=99), b"12"),
        (replace(said, id="no uuid"), b"12"),
    ):
        headers = [(SRC, src)]
        sending = await groups()["pipeline"].producer.send(
            LOG, room.name.encode(), encode(event), room.partition, None, headers
        )
        await sending
    for table in groups()["pipeline"].tables.values():
        table.forget()
        table.reset_state()
    groups()["pipeline"].conf.tabledir.mkdir(parents=True, exist_ok=True)
    async with running(rooms) as put:
        await room.put(put, room.message(2), 13)
        records = await read(LOG, room.partition, 10, room.log_start)
    assert decode_log(records[-1].value).n == 3


async def test_tables_that_lack_something_in_the_middle_follow_the_whole_log(
    bench: Settings, read: Read
) -> None:
    """What they say to have followed is not believed where the log goes on otherwise."""
    from agents.rooms import rooms

    pipeline = groups()["pipeline"]
    room = await Room("lacking", bench).begin()
    async with running(rooms) as put:
        for src, command in enumerate([room.opening(), room.message(1), room.message(2)], 10):
            await room.put(put, command, src)
            await read(LOG, room.partition, src - 9, room.log_start)
    for name, table in pipeline.tables.items():
        table.forget()
        if name != "progress":
            table.reset_state()
    common = {"room": room.name, "by": "ann", "at_ms": 5, "client_id": "x"}
    said = MessageCreated(**common, n=4, id=uuid(9), seq=3, text="x")
    headers = [(SRC, b"13")]
    await (
        await pipeline.producer.send(
            LOG, room.name.encode(), encode(said), room.partition, None, headers
        )
    )
    async with running(rooms) as put:
        await room.put(put, room.message(3), 14)
        records = await read(LOG, room.partition, 5, room.log_start)
    assert [decode_log(record.value).n for record in records] == [1, 2, 3, 4, 5]


async def test_a_command_on_another_rooms_partition_is_buried(
    bench: Settings, buried: Buried
) -> None:
    from agents.rooms import rooms

    room = await Room("where-it-belongs", bench).begin()
    partition = (room.partition + 1) % bench.partitions
    moderated = encode(Moderated(src=5000, at_ms=5, command=room.opening()))
    async with PartitionReader(bench) as reader:
        start = await reader.end(LOG, partition)
    async with running(rooms) as put:
        await put(b"where-it-belongs", moderated, partition, 5000)
        place = (MODERATED, partition, 5000)
        assert "another partition" in (await buried("parley-pipeline", place))[place]
    async with PartitionReader(bench) as reader:
        assert await reader.end(LOG, partition) == start
