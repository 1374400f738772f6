"""Connections: any mix of requests on one, cut in any way; and none that costs the others."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from contextlib import AsyncExitStack

import pytest

from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person
from tests.web.conftest import Try
from tests.web.support.polling import Door, Poller
from tests.web.support.raw import Raw, raw, request
from web.server import listener


async def cursor_of(chat: Chat, user: str) -> str:
    async with Person(chat, user) as person:
        return str((await person.get("/v1/events"))[1]["cursor"])


async def mixed(chat: Chat, room: str) -> tuple[list[bytes], list[int]]:
    """Requests for aiohttp and for polls in turns, and the statuses of their answers."""
    path = f"POST /v1/rooms/{room}/messages"
    poll = f"GET /v1/events?timeout=0&cursor={await cursor_of(chat, 'mia')}"
    asked = [
        (request(chat, "mia", "GET /v1/events"), 200),
        (request(chat, "mia", path, b'{"text": "one"}'), 201),
        (request(chat, "mia", poll), 200),
        (request(chat, "mia", poll), 200),
        (request(chat, "mia", "GET /v1/rooms/none"), 404),
        (request(chat, "mia", path, b'{"text": "two"}'), 201),
        (request(chat, "mia", "GET /v1/events?cursor=nonsense"), 400),
        (request(chat, "mia", "GET /v1/presence?user=mia"), 200),
        (request(chat, "mia", poll), 200),
    ]
    return [one for one, _ in asked], [status for _, status in asked]


async def answers(connection: Raw, count: int) -> list[int]:
    return [(await connection.answer())[0] for _ in range(count)]


async def test_requests_of_every_kind_follow_each_other_on_one_connection(chat: Chat) -> None:
    async with Person(chat, "mia") as mia, raw(chat.url) as connection:
        room = await mia.open_room()
        requests, statuses = await mixed(chat, room)
        for one, status in zip(requests, statuses, strict=True):
            connection.writer.write(one)
            assert (await connection.answer())[0] == status
        connection.writer.write(request(chat, "mia", "GET /v1/stream"))
        assert b"event: hello" in await connection.until(b"\n\n")
        assert await mia.say(room, "three")
        assert b'"text":"three"' in await connection.until(b"\n\n")


async def test_requests_sent_ahead_are_answered_in_their_order(chat: Chat) -> None:
    async with Person(chat, "mia") as mia, raw(chat.url) as connection:
        requests, statuses = await mixed(chat, await mia.open_room())
        connection.writer.write(b"".join(requests))
        assert await answers(connection, len(requests)) == statuses


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_requests_cut_in_pieces_are_served(chat: Chat, size: int) -> None:
    async with Person(chat, "mia") as mia, raw(chat.url) as connection:
        requests, statuses = await mixed(chat, await mia.open_room())
        answering = asyncio.create_task(answers(connection, len(requests)))
        whole = b"".join(requests)
        for start in range(0, len(whole), size):
            connection.writer.write(whole[start : start + size])
            await connection.writer.drain()
            await asyncio.sleep(0)
        assert await answering == statuses


async def test_a_body_in_chunks_is_read_and_ends_the_connection(chat: Chat) -> None:
    async with Person(chat, "mia") as mia, raw(chat.url) as connection:
        line = f"POST /v1/rooms/{await mia.open_room()}/messages"
        head = request(chat, "mia", line)[:-2]
        head += b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.writer.write(head + b"f\r\n" + b'{"text": "one"}' + b"\r\n0\r\n\r\n")
        assert (await connection.answer())[0] == 201
        assert await connection.rest() == b""


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /v1/stream HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000, 431, "head_too_large"),
        (b"POST /v1/rooms HTTP/1.1\r\nX: " + b"x" * 9_000 + b"\r\n\r\n", 431, "head_too_large"),
        (b"GET /v1/stream HTTP/9.9\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/events HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/rooms HTTP/1.1\r\nAccept: */*\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/rooms HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/events HTTP/1.0\r\n\r\n", 401, "token_missing"),
        (b"GET http://a/v1/events HTTP/1.1\r\nHost: a\r\n\r\n", 401, "token_missing"),
        (b"GET http://a/v1/rooms HTTP/1.1\r\nHost: a\r\n\r\n", 401, "token_missing"),
        (b"GET /v1/stream HTTP/1.1\r\nno header\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/events HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", 400, "bad_request"),
        (b"\x16\x03\x01 is this TLS?\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/events HTTP/1.1\r\nHost: a\r\n\r\n", 401, "token_missing"),
        (b"GET /v1/rooms HTTP/1.1\r\nno header\r\n\r\n", 400, "bad_request"),
        (
            b"POST /v1/rooms HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
            "bad_request",
        ),
    ],
)
async def test_what_is_no_request_is_refused_with_a_code(
    chat: Chat, sent: bytes, status: int, code: str
) -> None:
    async with raw(chat.url) as connection:
        connection.writer.write(sent)
        answered, problem = await connection.answer()
        assert (answered, problem["code"]) == (status, code)


async def test_streams_and_polls_are_served_under_an_absolute_target(chat: Chat) -> None:
    async with raw(chat.url) as connection:
        target = f"GET {chat.url}/v1/events?timeout=0"
        connection.writer.write(request(chat, "abs", target))
        status, first = await connection.answer()
        assert status == 200
        for _ in range(2):  # the second one repeats the first
            again = request(chat, "abs", f"{target}&cursor={first['cursor']}")
            connection.writer.write(again)
            status, answer = await connection.answer()
            assert (status, answer["recovered"]) == (200, True)
        connection.writer.write(request(chat, "abs", f"GET {chat.url}/v1/stream"))
        assert b"event: hello" in await connection.until(b"event: hello")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/events?limit=-1", "parameter"),
        ("/v1/events?timeout=31536000", "parameter"),
        ("/v1/events?limit=1&limit=2", "parameter"),
        ("/v1/events?cursor=" + "A" * 300, "cursor_malformed"),
        ("/v1/%65vents", "bad_request"),
    ],
)
async def test_parameters_out_of_range_are_refused(chat: Chat, path: str, code: str) -> None:
    async with raw(chat.url) as connection:
        connection.writer.write(request(chat, "mia", f"GET {path}"))
        status, problem = await connection.answer()
        assert (status, problem["code"]) == (400, code)


async def test_half_open_connections_cost_nobody_anything_and_end(chat: Chat) -> None:
    async with Person(chat, "mia") as mia:
        room = await mia.open_room()
        where = ("127.0.0.1", int(chat.url.rpartition(":")[2]))
        idle = [socket.create_connection(where) for _ in range(1000)]
        for i, one in enumerate(idle):
            one.setblocking(False)
            one.send(b"GET /v1/stream HTTP/1.1\r\nHost:"[: i % 30])
        began = time.monotonic()
        await mia.say(room, "still here")
        assert time.monotonic() - began < 8
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(30):
            ends = await asyncio.gather(*(loop.sock_recv(one, 4096) for one in idle))
        assert all(end == b"" or end.startswith(b"HTTP/1.1 408") for end in ends)
        for one in idle:
            one.close()


async def test_who_does_not_read_is_let_go_delays_nobody_and_resumes(chat: Chat) -> None:
    url = await chat.start_edge(buffer_events=10)
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", int(url.rpartition(":")[2])))
    async with Person(chat, "ann", url) as ann, Listener(chat, "leo", url=url) as leo:
        room = await ann.open_room("leo", "sid")
        stalled.setblocking(False)
        stalled.send(request(chat, "sid", "GET /v1/stream"))
        taken = b""
        while b"event: hello" not in taken:  # from there on it is to miss nothing
            taken += await asyncio.get_running_loop().sock_recv(stalled, 4096)
        texts = [f"{i} ".ljust(3_900, ".") for i in range(60)]
        for text in texts:
            began = time.monotonic()
            await ann.say(room, text)
            await leo.until(lambda text=text: leo.messages(room)[-1:] == [text])
            assert time.monotonic() - began < 8
        taken += await asyncio.wait_for(_all_of(stalled), 30)
        assert b'"code":"slow_consumer"' in taken.split(b"\n\n")[-2]
        ids = [line[4:] for line in taken.split(b"\n") if line.startswith(b"id: ")]
        async with Listener(chat, "sid", ids[-1].decode(), url) as sid:
            await sid.until(lambda: sid.messages(room)[-1:] == texts[-1:])
        before = [text for text in texts if text.encode() in taken]
        shown = [text.partition(" ")[0] for text in (*before, *sid.messages(room))]
        assert shown == [f"{i}" for i in range(len(texts))]


async def _all_of(connection: socket.socket) -> bytes:
    loop, taken = asyncio.get_running_loop(), b""
    while some := await loop.sock_recv(connection, 65536):
        taken += some
    return taken


async def test_a_stream_begins_anew_after_its_life(chat: Chat) -> None:
    url = await chat.start_edge(stream_life=1.0)
    async with Listener(chat, "ann", url=url) as ann:
        await ann.until(lambda: bool(ann.goodbye), within=5)
        assert ann.goodbye["code"] == "rotate"


async def test_one_person_has_so_many_streams_and_no_more(chat: Chat) -> None:
    url = await chat.start_edge(streams=2)
    async with Listener(chat, "tab", url=url), Listener(chat, "tab", url=url), raw(url) as third:
        third.writer.write(request(chat, "tab", "GET /v1/stream"))
        answer = await third.rest()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"code":"too_many_streams"' in answer

    async def room_again() -> bool:
        async with raw(url) as again:
            again.writer.write(request(chat, "tab", "GET /v1/stream"))
            return b"event: hello" in await again.until(b"\n\n")

    await until(room_again)


async def test_an_edge_stops_in_time_with_polls_and_streams_open(chat: Chat) -> None:
    url = await chat.start_edge()
    cursor = await cursor_of(chat, "ann")
    connections = [raw(url) for _ in range(100)]
    opened = [await one.__aenter__() for one in connections]
    for i, one in enumerate(opened):
        poll = f"GET /v1/events?timeout=50&cursor={cursor}"
        user = f"user-{i}"
        one.writer.write(request(chat, user, poll if i % 2 else "GET /v1/stream"))
    await opened[0].until(b"\n\n")
    began = time.monotonic()
    assert await chat.edges[-1].stop(10)
    assert time.monotonic() - began < 10
    ends = await asyncio.gather(*(one.rest() for one in opened))
    assert all(b'"code":"restart"' in end for end in ends[0::2])
    assert all(b'"events":[]' in end for end in ends[1::2])
    for connection in connections:
        await connection.__aexit__(None, None, None)


async def test_what_was_sent_before_an_edge_stops_is_answered(chat: Chat) -> None:
    """The kernel has taken connections and requests that the edge has yet to see."""
    url = await chat.start_edge()
    edge = chat.edges[-1]
    # Somebody without rooms: the list of a person of many tests takes more than the edge's time.
    asked = request(chat, "roomless", "GET /v1/rooms")
    async with AsyncExitStack() as stack:
        kept, *pending = [await stack.enter_async_context(raw(url)) for _ in range(2)]
        kept.writer.write(asked)
        await kept.answer()
        edge.send(signal.SIGSTOP)
        pending += [await stack.enter_async_context(raw(url)) for _ in range(200)]
        for one in (kept, *pending):
            one.writer.write(asked)
        edge.send(signal.SIGTERM)
        edge.send(signal.SIGCONT)
        answers = await asyncio.gather(*(one.answer() for one in (kept, *pending)))
        assert {status for status, _ in answers} == {200}
        assert await edge.ended(30)


async def test_a_connection_comes_back_from_aiohttp_without_an_access_log(
    served_once: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(listener.OPTIONS, "access_log", None)

    async def attempt(door: Door) -> None:
        async with Poller(door, "ann") as poller:
            poller.send(b"POST /body HTTP/1.1\r\nHost: e\r\nContent-Length: 4\r\n\r\nbody")
            assert (await poller.reply())[1] == b"body"
            poller.send(poller.request(timeout=0))
            assert await poller.answer() == []

    await served_once(attempt)
