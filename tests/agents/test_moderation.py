from __future__ import annotations

import pytest

from app.domain.moderation.ruleset import parse
from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    CreateRoom,
    RemoveMember,
    RemoveReaction,
    SendMessage,
    decode_dead,
    decode_moderated,
    encode,
)
from app.kafka.partition_reader import PartitionReader
from app.moderation.rule_plugins import rule_kinds
from app.settings import Settings
from app.topics import DEAD, MODERATED, RAW, partition_of
from tests.agents.test_rooms import uuid
from tests.support.agents import Read, running

ID = "00000000-0000-7000-8000-000000000001"


def message(room: str, text: str, client_id: str = "c") -> SendMessage:
    return SendMessage(room=room, by="ann", id=ID, client_id=client_id, text=text)


def with_meta(said: SendMessage, value: bytes) -> bytes:
    return encode(said).removesuffix(b"}") + b',"meta":{"a":' + value + b"}}"


async def test_every_command_gets_its_verdict_in_order(bench: Settings, read: Read) -> None:
    from agents.moderation import moderation

    room, partition = "ordered", partition_of("ordered", bench.partitions)
    async with running(moderation) as put:
        for offset, text in enumerate(["one", "", "x" * 101, "two"], 40):
            await put(room.encode(), encode(message(room, text)), partition, offset)
        records = await read(MODERATED, partition, 4)
    moderated = [decode_moderated(record.value) for record in records[-4:]]
    assert [verdict.src for verdict in moderated] == [40, 41, 42, 43]
    assert [verdict.refusal.code if verdict.refusal else "" for verdict in moderated] == [
        "",
        "text_empty",
        "text_too_long",
        "",
    ]


async def test_what_is_no_command_is_buried_and_the_next_one_goes_on(
    bench: Settings, read: Read
) -> None:
    from agents.moderation import moderation

    room, partition = "buried", partition_of("buried", bench.partitions)
    other = next(name for name in map(str, range(99)) if partition_of(name, 8) != partition)
    bad = {
        b"\xff\xfe": "malformed",
        b"{}": "kind",
        b"": "",
        encode(message(room, "x")).replace(b'"x"', b"7"): "text",
        encode(message(other, "astray")): "belongs on another partition",
        encode(message(room, "x")).replace(b"buried", b"burned"): "",
        encode(message(room, "x")).replace(b'"ann"', b'"an/n"'): "no /",
        encode(message(room, "x")).replace(ID.encode(), b"1"): "uuid",
        encode(message(room, "x", "\u00e9")): "client_id",
        with_meta(message(room, "x"), b"[" * 300 + b"]" * 300): "recursion",
        with_meta(message(room, "x"), b"[" * 20_000 + b"]" * 20_000): "recursion",
        encode(message(room, "x")).replace(
            b'"x"', b'"x","meta":{"a":' + b"9" * 30 + b"}"
        ): "64-bit",
    }
    async with PartitionReader(bench) as reader:
        starts = [await reader.end(DEAD, place) for place in range(bench.partitions)]
        start = await reader.end(MODERATED, partition)
    async with running(moderation) as put:
        for offset, value in enumerate(bad, 70):
            await put(room.encode(), value, partition, offset)
        await put(room.encode(), encode(message(room, "fine")), partition, 99)
        [fine] = await read(MODERATED, partition, 1, start)
    assert decode_moderated(fine.value).src == 99
    async with PartitionReader(bench) as reader:
        dead = [
            decode_dead(record.value)
            for place in range(bench.partitions)
            async for record in reader.read(DEAD, place, starts[place])
        ]
    assert sorted(record.offset for record in dead) == list(range(70, 70 + len(bad)))
    for record in dead:
        assert (record.topic, record.partition) == (RAW, partition)
        assert record.value in bad
        assert bad[record.value] in record.reason.lower()


class Rules:
    """A rule set in force, and nobody under a sanction."""

    def __init__(self, source: str) -> None:
        self.rules = parse(source, {}, rule_kinds(""), 1)

    def sanction(self, user: str) -> None:
        return None


async def test_a_message_that_comes_again_is_not_held_against_itself(
    bench: Settings, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    import agents.moderation

    async def strict(_: Settings) -> Rules:
        return Rules("[flood]\nmessages = 2\nseconds = 3600\n[repeated]\ntimes = 1\n")

    monkeypatch.setattr("agents.moderation.active_rules", strict)
    room, partition = "once-more", partition_of("once-more", bench.partitions)
    said = {9000: "one", 9001: "two", 9002: "three"}
    async with PartitionReader(bench) as reader:
        start = await reader.end(MODERATED, partition)
    async with running(agents.moderation.moderation) as put:
        for count, offset in enumerate([9000, 9001, 9000, 9001, 9002], 1):
            await put(room.encode(), encode(message(room, said[offset])), partition, offset)
            await read(MODERATED, partition, count, start)
        moderated = [
            decode_moderated(record.value) for record in await read(MODERATED, partition, 5, start)
        ]
    # All that comes again is let through as before; what is new finds both, each once.
    assert [one.refusal is None for one in moderated] == [True, True, True, True, False]


async def test_reactions_are_emojis_in_one_spelling_and_shown_texts_are_checked(
    bench: Settings, read: Read
) -> None:
    import agents.moderation

    room, partition = "emojis", partition_of("emojis", bench.partitions)
    stamp = {"room": room, "by": "ann"}
    commands: list[AnyCommand] = [
        AddReaction(**stamp, id=uuid(1), client_id="1", seq=1, emoji="\u2764"),
        AddReaction(**stamp, id=uuid(2), client_id="2", seq=1, emoji="+1"),
        RemoveReaction(**stamp, id=uuid(3), client_id="3", seq=1, emoji="+1"),
        CreateRoom(**stamp, id=uuid(4), client_id="4", topic="a\0b"),
        AddMember(**stamp, id=uuid(5), client_id="5", user="\u3164"),
        RemoveMember(**stamp, id=uuid(6), client_id="6", user="\u3164"),
    ]
    async with PartitionReader(bench) as reader:
        start = await reader.end(MODERATED, partition)
    async with running(agents.moderation.moderation) as put:
        for offset, command in enumerate(commands, 9000):
            await put(room.encode(), encode(command), partition, offset)
        records = await read(MODERATED, partition, len(commands), start)
    moderated = [decode_moderated(record.value) for record in records]
    codes = [one.refusal.code if one.refusal else "" for one in moderated]
    assert codes == ["", "malformed", "", "malformed", "malformed", ""]
    assert getattr(moderated[0].command, "emoji", "") == "\u2764\ufe0f"
