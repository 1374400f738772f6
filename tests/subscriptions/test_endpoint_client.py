"""Endpoints that answer in every bad way: each is told, and none holds anything up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from app.events import Position, Subscription
from app.runtime.derived_keys import KeyRing
from app.runtime.outside_addresses import OutsideAddresses
from app.subscriptions.endpoint_client import Answer, EndpointClient
from app.subscriptions.secrets import SubscriptionSecrets
from app.subscriptions.source_events import SourceEvent

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
EVENT = SourceEvent("message.created", "r", "r", Position(0, 1), 1, 1, "evt_1", b'{"id": "evt_1"}')


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://127.0.0.1:{port}/hook"


async def posted(
    url: str, allowed: str = "127.0.0.1", timeout_ms: int = 700, event: SourceEvent = EVENT
) -> Answer:
    client = EndpointClient(
        SubscriptionSecrets(KeyRing("a secret of 32 characters or more!!!")),
        OutsideAddresses(allowed),
    )
    subscription = Subscription(id="s", by="ann", at_ms=1, url=url, timeout_ms=timeout_ms)
    try:
        return await client.post(subscription, [event])
    finally:
        await client.close()


def answering(raw: bytes, *, hold: bool = False) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        if hold:
            await reader.read()  # until the client goes
        writer.close()

    return serve


@pytest.mark.parametrize(
    ("raw", "why", "gone", "wait"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "", False, 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "", False, 0),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "410 Gone", True, 0),
        (
            b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 9\r\n\r\ncome\x1b \nby",
            "503 Busy: come by",
            False,
            9,
        ),
        (
            b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "307 Away, and redirects are not followed",
            False,
            0,
        ),
        (
            b"HTTP/1.1 429 Slow\r\nRetry-After: 99999999\r\nContent-Length: 0\r\n\r\n",
            "429 Slow",
            False,
            3600,
        ),
    ],
)
async def test_the_status_decides(raw: bytes, why: str, gone: bool, wait: float) -> None:
    async with served(answering(raw)) as url:
        assert await posted(url) == Answer(why, gone, wait)


@pytest.mark.parametrize(
    "raw",
    [b"", b"HTTP/1.1 200", b"hello?\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100],
)
async def test_an_answer_that_is_none_is_a_failure(raw: bytes) -> None:
    async with served(answering(raw)) as url:
        answer = await posted(url)
    assert answer.why
    assert not answer.gone


async def test_a_body_that_ends_half_way_or_never_changes_nothing_about_the_status() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    async with served(answering(half)) as url:
        assert (await posted(url)).why == ""

    async def forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)

    began = time.monotonic()
    async with served(forever) as url:
        assert (await posted(url, timeout_ms=5_000)).why == ""
    assert time.monotonic() - began < 4


async def test_silence_ends_after_the_subscriptions_time() -> None:
    async with served(answering(b"", hold=True)) as url:
        assert (await posted(url, timeout_ms=300)).why == "no answer within 0.3 s"


async def test_nobody_there_and_addresses_inside_are_told() -> None:
    assert "Cannot connect" in (await posted("http://127.0.0.1:1/")).why
    assert "no public address" in (await posted("http://127.0.0.1:1/", allowed="10.0.0.1")).why
    told = await posted("http://localhost:1/", allowed="10.0.0.1")
    assert "no public address" in told.why


@pytest.mark.parametrize("trace", ["", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
async def test_a_request_is_in_the_trace_of_its_event(trace: str) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with served(serve) as url:
        assert await posted(url, event=EVENT._replace(trace=trace)) == Answer()
    named = [
        one.partition(b": ")[2].decode()
        for one in heads[0].split(b"\r\n")
        if one.startswith(b"traceparent")
    ]
    assert named == ([trace] if trace else [])
