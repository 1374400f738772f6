"""Nothing is acknowledged, and no table written, before Kafka has what follows from it."""

from __future__ import annotations

from typing import Any

import faust
import pytest
from faust.types import TP

from app.domain.room import Member
from app.settings import Settings
from app.stream.acks import Chunk
from app.stream.batch_loop import batches
from app.stream.consumer_groups import raw_topic
from app.topics import MODERATED, VERDICTS
from tests.support.agents import groups
from tests.support.chat import until

#: More than the producer takes in one request: Kafka can't have it.
TOO_LARGE = 5 * 1024 * 1024


async def run(body: Any, tables: tuple[Any, ...] = ()) -> list[Any]:
    """An agent on the loop that gets two records; their messages, when it has settled or failed."""
    pipeline = groups()["pipeline"]
    messages: list[Any] = []
    ended: list[bool] = []

    async def looping(stream: Any) -> None:
        try:
            async for batch in batches(stream, tables):
                body(batch)
        finally:
            ended.append(True)

    agent = faust.Agent(looping, app=pipeline, channel=raw_topic(pipeline, MODERATED))
    async with agent.test_context() as context:
        for offset in range(2):
            context.sent_offset = offset
            event = await context.put(value=b"v", key=b"k", partition=1, wait=False)
            messages.append(event.message)
        await until(lambda: _any(ended or all(message.acked for message in messages)), within=10)
    return messages


async def _any(value: Any) -> bool:
    return bool(value)


async def test_a_acked_batch_is_acknowledged(bench: Settings) -> None:
    def body(batch: Any) -> None:
        for record in batch.records:
            batch.send(VERDICTS, record, b"x")

    assert all(message.acked for message in await run(body))


async def test_a_acked_batch_is_in_the_store_with_its_changelog_offset(bench: Settings) -> None:
    from tables.members import members

    def body(_: Any) -> None:
        members.write(1, "r/kept", Member("owner", 1), 1)

    before = members.stored_offset(1)
    await run(body, (members,))
    members.forget()
    assert members.read(1, "r/kept") == Member("owner", 1)
    after = members.stored_offset(1)
    assert after is not None
    assert before is None or after > before


async def test_a_batch_whose_output_kafka_does_not_take_is_not_acknowledged(
    bench: Settings,
) -> None:
    from tables.members import members

    def body(batch: Any) -> None:
        members.write(1, "r/never", Member("owner", 1), 1)
        batch.send(VERDICTS, batch.records[0], b"x" * TOO_LARGE)

    messages = await run(body, (members,))
    assert not any(message.acked for message in messages)
    members.forget()
    assert members.read(1, "r/never") is None


async def test_a_batch_whose_table_change_kafka_does_not_take_changes_no_table(
    bench: Settings,
) -> None:
    from tables.members import members

    def body(batch: Any) -> None:
        members.write(1, "r/small", Member("owner", 1), 1)
        members.write(1, "r/large", Member("x" * TOO_LARGE, 1), 1)

    messages = await run(body, (members,))
    assert not any(message.acked for message in messages)
    members.forget()
    assert members.read(1, "r/small") is None


async def test_a_batch_that_the_agent_fails_on_is_not_acknowledged(bench: Settings) -> None:
    def body(batch: Any) -> None:
        raise RuntimeError("in the agent")

    assert not any(message.acked for message in await run(body))


async def test_records_from_before_a_rebalance_are_left_to_come_again(bench: Settings) -> None:
    """Stock Faust acknowledges them, so that a crash soon after loses them."""
    pipeline = groups()["pipeline"]
    seen: list[int] = []

    async def looping(stream: Any) -> None:
        async for batch in batches(stream):
            seen.extend(record.offset for record in batch.records)

    agent = faust.Agent(looping, app=pipeline, channel=raw_topic(pipeline, MODERATED))
    async with agent.test_context() as context:
        messages = []
        for offset, generation in ((0, -9), (1, pipeline.consumer_generation_id)):
            context.sent_offset = offset
            message = context.to_message(b"k", b"v", partition=1, offset=offset)
            message.generation_id = generation
            channel = context.stream().channel
            await channel.put(await channel.decode(message))
            messages.append(message)
        await until(lambda: _any(messages[1].acked), within=10)
    assert seen == [1]
    assert not messages[0].acked


@pytest.mark.parametrize(("size", "settled"), [(1, True), (TOO_LARGE, False)])
async def test_of_a_piece_is_committed_what_kafka_has_the_outputs_of(
    bench: Settings, size: int, settled: bool
) -> None:
    pipeline = groups()["pipeline"]
    place = TP(MODERATED, 2)
    consumer: Any = pipeline.consumer
    consumer._acked_to.pop(place, None)
    ended: list[bool] = []

    async def looping(stream: Any) -> None:
        try:
            async for batch in batches(stream):
                batch.send(VERDICTS, batch.records[0], b"x" * size)
        finally:
            ended.append(True)

    agent = faust.Agent(looping, app=pipeline, channel=raw_topic(pipeline, MODERATED))
    async with agent.test_context() as context:
        records = [context.to_message(b"k", b"v", partition=2, offset=offset) for offset in (7, 8)]
        piece = Chunk(place, records, pipeline.consumer_generation_id)
        context.stream().channel.queue.put_nowait(piece)
        await until(lambda: _any(ended or consumer._acked_to), within=10)
    assert consumer._acked_to == ({place: 9} if settled else {})


@pytest.fixture(autouse=True)
def _forget() -> Any:
    yield
    for table in groups()["pipeline"].tables.values():
        table.forget()
