"""An edge stops in time, whatever is under way or away, and answers whom it can."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import uuid4

import aiohttp
import pytest

from app.embedded.ports import free_port
from app.errors import Unreachable
from app.events import CreateRoom, Verdict
from app.metrics.edge_metrics import EdgeMetrics
from app.runtime.dev_tokens import mint
from tests.support.chat import Chat, until
from tests.web.support.raw import Raw, raw, request
from web import shutdown
from web.edge import serving
from web.producer.command_sender import CommandSender
from web.producer.connection_events import ConnectionEvents
from web.server import connection_manager
from web.shutdown import Shutdown


class Edge:
    """An edge in this process, which can be told to stop."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self._stack = stack

    def stop(self) -> asyncio.Task[None]:
        """Begin to stop."""
        return asyncio.create_task(self._stack.aclose())


@pytest.fixture
async def edge(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Edge]:
    # The tests' process goes on, and is to be collected as before.
    monkeypatch.setattr("web.edge.collect_rarely", lambda _: asyncio.sleep(0))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(replace(chat.settings, port=free_port())))
        yield Edge(url, stack)


def test_the_time_that_all_takes_is_less_than_is_given() -> None:
    """To which come the part that is the last to be left, and the end of the process."""
    goodbyes = (
        connection_manager._ACCEPT_SECONDS
        + connection_manager._DRAIN_SECONDS
        + 3 * connection_manager._QUIET_SECONDS
    )
    assert goodbyes < shutdown._SENDS < shutdown._REQUESTS < shutdown._ALL < 9.5


async def test_a_send_that_waits_for_its_number_is_answered_though_kafka_is_gone(
    chat: Chat, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(ConnectionEvents, "drain", hang)
    monkeypatch.setattr("app.kafka.resilient_producer.ResilientProducer.stop", hang)
    for name, seconds in (("_SENDS", 1.0), ("_REQUESTS", 1.5), ("_ALL", 2.0)):
        monkeypatch.setattr(shutdown, name, seconds)
    came = asyncio.Event()

    def another(_: bytes) -> Verdict:
        """The number comes, and to somebody else."""
        came.set()
        return Verdict(id="another", room="", by="", client_id="")

    monkeypatch.setattr("web.producer.command_sender.decode_verdict", another)
    async with raw(edge.url) as connection:
        asked = request(chat, "ann", "POST /v1/rooms", json.dumps({"room": uuid4().hex}).encode())
        connection.writer.write(asked.replace(b"\r\n", b"\r\nPrefer: wait=30\r\n", 1))
        await asyncio.wait_for(came.wait(), 20)
        async with asyncio.timeout(4):
            await edge.stop()
        status, answer = await connection.answer()
        assert (status, answer["status"]) == (202, "accepted")


class Deaf:
    """A producer that takes nothing."""

    async def send_and_wait(self, *_: object, **__: object) -> None:
        await asyncio.Event().wait()


async def test_a_send_that_kafka_does_not_take_is_refused_while_the_edge_can(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.producer.command_sender._STOPPING_TIMEOUT", 0.1)
    sends = CommandSender(chat.settings, Deaf(), "edge", lambda _: None, EdgeMetrics())  # type: ignore[arg-type]
    command = CreateRoom(room="r", by="ann", id="i", client_id="c", type="group", name="r")
    before = asyncio.create_task(sends.send(command, 30))
    await asyncio.sleep(0)
    sends.wait_no_more()
    with pytest.raises(Unreachable):
        await asyncio.wait_for(before, 5)
    with pytest.raises(Unreachable):
        await asyncio.wait_for(sends.send(command, 30), 5)


async def test_a_part_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "_NEVER_SERVED", 0.1)
    async with asyncio.timeout(5):
        await Shutdown().end("part", lambda: asyncio.sleep(60))


async def test_goodbyes_of_many_are_spread_and_the_edge_says_meanwhile_that_it_is_not_ready(
    chat: Chat, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_manager, "_DRAIN_SECONDS", 1.5)
    loop, ends = asyncio.get_running_loop(), list[float]()
    retries = list[int]()

    async def read(connection: Raw) -> None:
        block = await connection.until(b"event: goodbye\n") + await connection.rest()
        ends.append(loop.time())
        retries.append(int(re.findall(rb"retry: (\d+)\n\n$", block)[0]))
        assert b'"code":"restart"' in block

    async with AsyncExitStack() as stack:
        asks = await stack.enter_async_context(raw(edge.url))
        asks.writer.write(request(chat, "ann", "GET /readyz"))
        assert (await asks.answer())[0] == 200
        streams = [await stack.enter_async_context(raw(edge.url)) for _ in range(60)]
        for i, stream in enumerate(streams):
            stream.writer.write(request(chat, f"many-{i}", "GET /v1/stream"))
        await asyncio.gather(*(stream.until(b"event: hello") for stream in streams))
        reading = asyncio.gather(*(read(stream) for stream in streams))
        stopped = edge.stop()
        await until(lambda: _async(len(ends) > 2))
        asks.writer.write(request(chat, "ann", "GET /readyz"))
        status, answer = await asks.answer()
        assert (status, answer["ready"], answer["draining"]) == (503, False, "yes")
        await asyncio.gather(reading, stopped)
    assert max(ends) - min(ends) > 1.0
    assert len({round(end, 1) for end in ends}) > 8, "not by heaps"
    ms = chat.settings.retry_ms
    assert all(ms / 2 <= one <= ms * 1.5 for one in retries)
    assert max(retries) - min(retries) > ms / 2


async def _async(value: bool) -> bool:
    return value


async def test_an_operators_stream_ends_with_a_goodbye_while_others_wait(
    chat: Chat, edge: Edge
) -> None:
    headers = {"Authorization": f"Bearer {mint(chat.settings, 'olga', admin=True)}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{edge.url}/v1/operator/events") as stream:
            await stream.content.readuntil(b"\n\n")
            began = asyncio.get_running_loop().time()
            stopping = edge.stop()
            left = await stream.content.read()
        assert b"event: goodbye\ndata: " in left
        assert b'"code":"restart"' in left
        await stopping
    assert asyncio.get_running_loop().time() - began < shutdown._SENDS
