"""A message's trace, from the POST to the event that a browser gets, at a collector."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.deployment.log_reader import LogReader
from app.events import TRACEPARENT, traceparent_of
from app.topics import LOG, MODERATED, RAW, partition_of
from tests.support.chat import Chat
from tests.support.collector import Collector
from tests.support.listener import Listener
from tests.support.person import Person

STAGES = ("moderation", "rooms", "fan_out", "deliver")
POST = "POST /v1/rooms/{room}/messages"


@pytest.fixture
async def collector(chat: Chat) -> AsyncIterator[Collector]:
    async with Collector(chat.collector_port) as collector:
        yield collector


def traceparent(*, sampled: bool = True) -> tuple[str, str]:
    """A trace's id, and the header by which a client says that it is in it."""
    trace = secrets.token_hex(16)
    return trace, f"00-{trace}-{secrets.token_hex(8)}-0{int(sampled)}"


async def say(ann: Person, room: str, text: str, **headers: str) -> dict[str, Any]:
    status, answer = await ann.post(f"/v1/rooms/{room}/messages", {"text": text}, **headers)
    assert status == 201, answer
    return answer


async def headers_of(chat: Chat, topic: str, room: str) -> list[dict[str, bytes]]:
    """The headers of the records of a room, in order."""
    partition = partition_of(room, chat.settings.partitions)
    async with LogReader(chat.settings) as reader:
        end = await reader.end(topic, partition)
        records = reader.read(topic, partition, 0, end)
        return [dict(one.headers) async for one in records if one.key == room.encode()]


async def test_a_traced_message_is_one_trace_from_the_post_to_the_event_of_each_reader(
    chat: Chat, collector: Collector
) -> None:
    trace, header = traceparent()
    async with (
        Person(chat, "ann") as ann,
        Listener(chat, "ann") as one,
        Listener(chat, "ann") as two,
    ):
        room = await ann.open_room()
        answer = await say(ann, room, "never in a span", traceparent=header)
        for listener in (one, two):
            await listener.until(lambda it=listener: it.messages(room))
        await collector.until(lambda: len(collector.of(trace)) == 5)
    spans = collector.of(trace)
    assert spans[POST].parent == header.split("-")[2]
    order = [POST, *STAGES]
    assert [spans[name].parent for name in STAGES] == [spans[name].id for name in order[:-1]]
    assert [spans[name].service for name in order] == [
        *("parley-edge", "parley-worker", "parley-worker", "parley-worker", "parley-edge")
    ]
    assert all(spans[name].began_ns <= spans[name].ended_ns for name in order)
    assert sorted(spans.values(), key=lambda span: span.began_ns) == [spans[n] for n in order]
    for listener in (one, two):
        (event,) = (e for e in listener.events if e["kind"] == "message.created")
        named = traceparent_of(event["trace"])
        assert named is not None
        assert (named.trace_id, named.span_id) == (trace, spans["fan_out"].id)
    assert spans["deliver"].attributes["parley.subscribers"] == 2
    assert spans["rooms"].attributes["parley.n"] == answer["n"]
    assert spans[POST].attributes["parley.outcome"] == "accepted"
    said = " ".join(str(span) for span in spans.values())
    assert "never in a span" not in said
    assert chat.token("ann") not in said


async def test_a_message_that_is_not_sampled_has_no_header_and_no_span(
    chat: Chat, collector: Collector
) -> None:
    trace, header = traceparent(sampled=False)
    last, sampled = traceparent()
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room()
        await say(ann, room, "one", traceparent=header)
        await say(ann, room, "two")
        await say(ann, room, "three", traceparent=f"00-{trace}-garbage-01")
        await say(ann, room, "four", traceparent="0" * 6000)
        await say(ann, room, "five", traceparent=sampled)
        await listener.until(lambda: listener.messages(room)[-1:] == ["five"])
        traced = ["trace" in e for e in listener.events if e["kind"] == "message.created"]
        assert traced == [False] * 4 + [True]
        for topic in (RAW, MODERATED, LOG):
            found = [TRACEPARENT in headers for headers in await headers_of(chat, topic, room)]
            assert found == [False] * (len(found) - 1) + [True], topic
        await collector.until(lambda: len(collector.of(last)) == 5)
    assert not collector.of(trace)


async def test_history_and_the_window_have_the_event_without_its_trace(
    chat: Chat, collector: Collector
) -> None:
    _, header = traceparent()
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        _, before = await ann.get("/v1/events")
        await say(ann, room, "hello", traceparent=header)
        _, page = await ann.get(f"/v1/rooms/{room}/messages")
        # Another edge has it from the window.
        url = await chat.start_edge()
        async with Person(chat, "ann", url) as there:
            _, missed = await there.get("/v1/events", cursor=before["cursor"])
    assert [one["text"] for one in page["messages"]] == ["hello"]
    assert [one["text"] for one in missed["events"]] == ["hello"]
    assert "trace" not in page["messages"][0]
    assert "trace" not in missed["events"][0]


async def test_a_message_can_not_name_a_trace_by_its_own_fields(chat: Chat) -> None:
    _, header = traceparent()
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room()
        body = {"text": f'","trace":"{header}"', "meta": {"trace": header}}
        status, _ = await ann.post(f"/v1/rooms/{room}/messages", body)
        assert status == 201
        await listener.until(lambda: listener.messages(room))
    assert "trace" not in listener.events[-1]


async def test_a_collector_that_is_away_or_silent_loses_spans_and_nothing_else(chat: Chat) -> None:
    collector = Collector(chat.collector_port)
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room()
        await say(ann, room, "away", traceparent=traceparent()[1])
        async with collector:
            collector.answers.clear()
            await say(ann, room, "first", traceparent=traceparent()[1])
            await collector.until(lambda: collector.requests)
            for number in range(50):
                await say(ann, room, f"silent {number}", traceparent=traceparent()[1])
            await listener.until(lambda: len(listener.messages(room)) == 52)
            collector.answers.set()
            trace, header = traceparent()
            await say(ann, room, "back", traceparent=header)
            await collector.until(lambda: len(collector.of(trace)) == 5, within=30)
