"""`parley rules apply`: hides messages that are older than the rules that refuse them."""

from __future__ import annotations

import uuid_utils
from aiokafka import AIOKafkaProducer

from app.deployment.log_reader import LogReader
from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import RuleSet
from app.domain.moderation.side_texts import judge_with, text_beside
from app.domain.records import Member
from app.errors import Malformed
from app.events import (
    AnyLogEvent,
    HideMessage,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    decode_log,
    encode,
)
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.operations.recount import Recount
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import LOG, RAW, partition_of

#: The author of the hiding, which is no user.
PARLEY = "parley"


async def apply(
    settings: Settings, rules: RuleSet, since_ms: int, *, dry_run: bool
) -> tuple[int, list[tuple[str, str]]]:
    """Hide messages that were written or edited since then and that the rules refuse.

    Through commands, like a moderator's. Returns how many messages were judged, and those hidden,
    by place and text.
    """
    async with LogReader(settings) as reader:
        members = await Recount(settings, reader).table(PIPELINE.id, "members", Member)
        messages = await _messages_since(settings, reader, since_ms)
    refused = [(message, why) for message in messages if (why := _why(message, members, rules))]
    if refused and not dry_run:
        client = new_producer(settings)
        await client.start()
        try:
            for message, why in refused:
                await _hide(settings, client, message, rules.version, why)
        finally:
            await client.stop()
    return len(messages), [(f"{one.room} {one.seq}", one.text) for one, _ in refused]


async def _messages_since(
    settings: Settings, reader: PartitionReader, since_ms: int
) -> list[MessageCreated]:
    """The messages since then, in their present form."""
    found: dict[tuple[str, int], MessageCreated] = {}
    for partition in range(settings.partitions):
        start = await reader.since(LOG, partition, since_ms)
        async for record in reader.read(LOG, partition, start):
            try:
                event = decode_log(record.value)
            except Malformed:
                continue
            _follow(found, event)
    return list(found.values())


def _follow(found: dict[tuple[str, int], MessageCreated], event: AnyLogEvent) -> None:
    key = (event.room, getattr(event, "seq", 0))
    if isinstance(event, MessageCreated) and event.shadow is None:
        found[key] = event
    elif isinstance(event, MessageDeleted):
        found.pop(key, None)
    elif isinstance(event, MessageEdited) and event.shadow is None:
        by = found[key].by if key in found else event.by
        found[key] = MessageCreated(
            room=event.room,
            n=event.of,
            by=by,
            at_ms=event.at_ms,
            id=event.id,
            client_id=event.client_id,
            seq=event.seq,
            text=event.text,
        )


def _why(event: MessageCreated, members: dict[str, Member], rules: RuleSet) -> str:
    """Why the rules refuse a message; empty if they don't. Rules about pace don't apply."""
    member = members.get(f"{event.room}/{event.by}")
    facts = Facts() if member is None else Facts(member.role)
    files = len(event.attachments)
    message = Message(event.room, event.by, event.text, at_ms=event.at_ms, attachments=files)
    beside = text_beside(event.attachments, event.meta)
    ruling = judge_with(message, beside, facts, rules)
    return ruling.findings[0].reason if ruling and ruling.action == "refuse" else ""


async def _hide(
    settings: Settings, client: AIOKafkaProducer, event: MessageCreated, version: int, why: str
) -> None:
    command = HideMessage(
        room=event.room,
        by=PARLEY,
        id=str(uuid_utils.uuid7()),
        client_id=f"rules-{version}-{event.seq}",
        seq=event.seq,
        reason=why,
        admin=True,
    )
    await client.send_and_wait(
        RAW,
        encode(command),
        key=event.room.encode(),
        partition=partition_of(event.room, settings.partitions),
    )
