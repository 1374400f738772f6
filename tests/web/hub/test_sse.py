"""Blocks as every client can take them: whole or not at all."""

from __future__ import annotations

import re

import orjson
import pytest

from app.domain import cursor as cursors
from web.hub import sse
from web.hub.event import Event, EventBatch
from web.server.sse_stream import goodbye, stream_life

EVENT = b'{"kind":"message.created","room":"r","n":2,"text":"a\\nb \xe2\x80\xa8 \\r c"}'
CURSOR = cursors.encode(b"\x00" * 4, (0, 300), b"secret")

HELLO = sse.hello({"user": "ann\n", "rooms": ["r"]}, 2000, CURSOR)
SAID = sse.event(EVENT, CURSOR)
TYPING = sse.state(b'{"kind":"typing","by":"ann"}')
RESET = sse.reset(["r", "s"])
GOODBYE = sse.goodbye("slow_consumer", "Too\nslow.", 900)

ALL = {
    "hello": HELLO,
    "event": SAID,
    "state": TYPING,
    "reset": RESET,
    "ping": sse.PING,
    "goodbye": GOODBYE,
}


def fields(block: bytes) -> list[tuple[str, str]]:
    """The fields of a block as the standard takes it apart."""
    assert block.endswith(b"\n\n")
    lines = block[:-2].decode().split("\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


@pytest.mark.parametrize("kind", ALL)
def test_every_block_has_one_line_of_data_which_is_json(kind: str) -> None:
    data = [value for name, value in fields(ALL[kind]) if name == "data"]
    assert len(data) == 1
    assert isinstance(orjson.loads(data[0]), dict)
    assert b"\r" not in ALL[kind], "which would end a line, too"


@pytest.mark.parametrize("kind", ALL)
def test_every_block_has_no_other_fields_and_each_once(kind: str) -> None:
    names = [name for name, _ in fields(ALL[kind])]
    assert set(names) <= {"event", "data", "retry", "id"}
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", ALL)
def test_a_cursor_stands_last_where_there_is_one(kind: str) -> None:
    names = [name for name, _ in fields(ALL[kind])]
    assert ("id" in names) == (kind in ("hello", "event"))
    assert "id" not in names[:-1]


@pytest.mark.parametrize("kind", ALL)
def test_only_what_is_said_to_the_client_itself_has_a_name(kind: str) -> None:
    named = [value for name, value in fields(ALL[kind]) if name == "event"]
    assert named == ([kind] if kind in ("hello", "ping", "goodbye") else [])


def test_an_event_is_in_its_block_as_it_is_in_the_log() -> None:
    assert b"data: " + EVENT + b"\nid: " + CURSOR.encode() + b"\n\n" == SAID
    events = [Event("r", 0, n, n, EVENT, CURSOR) for n in (1, 2)]
    assert EventBatch(events).frames == SAID + SAID


def test_who_comes_back_is_told_when() -> None:
    assert ("retry", "2000") in fields(HELLO)
    assert ("retry", "900") in fields(GOODBYE)


def test_an_answer_is_as_long_as_it_says_and_all_json() -> None:
    head, _, body = sse.poll_answer([EVENT, EVENT], CURSOR, has_more=True).partition(b"\r\n\r\n")
    assert head == b"Content-Length: %d" % len(body)
    assert orjson.loads(body) == {
        "events": [orjson.loads(EVENT)] * 2,
        "cursor": CURSOR,
        "recovered": True,
        "has_more": True,
    }


def test_those_who_are_sent_away_together_do_not_come_back_together() -> None:
    found = re.compile(rb"\nretry: (\d+)\n\n$")
    retries = [int(found.findall(goodbye("restart", "Stops.", 2000))[0]) for _ in range(2000)]
    assert 1000 <= min(retries) < 1100
    assert 2900 < max(retries) <= 3000
    assert len(set(retries)) > 500


def test_streams_begin_anew_within_a_tenth_of_their_life_and_not_together() -> None:
    lives = [stream_life(1800.0) for _ in range(2000)]
    assert 1620 <= min(lives) < 1640
    assert 1960 < max(lives) <= 1980
