"""The client of the hook, against a real HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.domain.moderation.ruleset import Hook
from app.events import Finding, SendMessage
from app.moderation.webhook import MAX_IN_FLIGHT, WebhookClient, WebhookFailed
from app.runtime.derived_keys import KeyRing
from app.runtime.outside_addresses import OutsideAddresses
from tests.conftest import SECRET

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Hooked:
    """A hook that answers by `handler`, and a client that asks it."""

    def __init__(self) -> None:
        self.handler: Handler = _refuse
        self.asked = 0
        self.client = WebhookClient(KeyRing(SECRET), OutsideAddresses("127.0.0.1"))
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        return await self.handler(request)

    async def ask(self, timeout_ms: int = 1000, trace: str = "") -> Finding | None:
        hook = Hook(url=self.url, timeout_ms=timeout_ms)
        message = SendMessage(room="tea", by="ann", id="1", client_id="1", text="hello")
        return await self.client.ask(hook, message, 0, trace)


@pytest.fixture
async def hooked() -> AsyncIterator[Hooked]:
    made = Hooked()
    app = web.Application()
    app.router.add_post("/", made.serve)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/"))
        yield made
        await made.client.close()


async def _refuse(_: web.Request) -> web.StreamResponse:
    return web.json_response({"action": "refuse"})


async def test_many_messages_at_once_all_get_the_answer_of_a_healthy_hook(hooked: Hooked) -> None:
    busy = asyncio.Semaphore(10)

    async def slowly(request: web.Request) -> web.StreamResponse:
        async with busy:
            await asyncio.sleep(0.1)
        return await _refuse(request)

    hooked.handler = slowly
    # All take 7 s, one in its turn less than 1 s, and a busy machine some more.
    found = await asyncio.gather(*(hooked.ask(3000) for _ in range(700)))
    assert [one and one.action for one in found] == ["refuse"] * 700
    assert hooked.asked == 700


async def test_a_hook_has_its_whole_time_for_each_of_many(hooked: Hooked) -> None:
    most = now = 0

    async def slowly(request: web.Request) -> web.StreamResponse:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(1.0)
        now -= 1
        return await _refuse(request)

    hooked.handler = slowly
    # The last is asked after 3 s: its time begins only then.
    found = await asyncio.gather(*(hooked.ask(2500) for _ in range(4 * MAX_IN_FLIGHT)))
    assert all(one is not None and one.action == "refuse" for one in found)
    assert most <= MAX_IN_FLIGHT


@pytest.mark.parametrize(
    "body",
    [
        b'{"action": "allow"',
        b'{"action": "allow", "reason": "\xff"}',
        b'{"action": "allow", "more": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"action": "allow", "reason": "' + b"x" * 70_000 + b'"}',
        b'{"action": "allow"}' + b" " * 70_000,
        b"",
    ],
    ids=["cut", "not UTF-8", "nested", "too large", "too large behind", "empty"],
)
async def test_an_answer_that_is_not_valid_is_a_failure_and_no_pass(
    hooked: Hooked, body: bytes
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for start in range(0, max(len(body), 1), 20_000):
            await response.write(body[start : start + 20_000])
            await asyncio.sleep(0.01)
        return response

    hooked.handler = answer
    with pytest.raises(WebhookFailed):
        await hooked.ask()
    assert hooked.asked == 2


async def test_an_answer_that_ends_too_early_is_a_failure(hooked: Hooked) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"action": "allow"}')
        assert request.transport is not None
        request.transport.close()
        return response

    hooked.handler = answer
    with pytest.raises(WebhookFailed):
        await hooked.ask()


async def test_a_failure_is_retried_before_it_counts(hooked: Hooked) -> None:
    async def at_the_second(request: web.Request) -> web.StreamResponse:
        return await _refuse(request) if hooked.asked % 2 == 0 else web.Response(status=500)

    hooked.handler = at_the_second
    for _ in range(8):
        found = await hooked.ask()
        assert found is not None
        assert found.action == "refuse"


async def test_a_hook_that_keeps_failing_is_left_alone(hooked: Hooked) -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    hooked.handler = fail
    for _ in range(7):
        with pytest.raises(WebhookFailed):
            await hooked.ask()
    assert hooked.asked == 10


async def test_no_text_goes_to_an_address_inside_that_is_not_allowed(hooked: Hooked) -> None:
    hooked.client = WebhookClient(KeyRing(SECRET), OutsideAddresses("10.0.0.1"))
    by_number = hooked.url
    for hooked.url in (by_number, by_number.replace("127.0.0.1", "localhost")):
        with pytest.raises(WebhookFailed, match="no public address"):
            await hooked.ask()
    assert hooked.asked == 0


@pytest.mark.parametrize("trace", ["", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
async def test_a_request_is_in_the_trace_of_its_message(hooked: Hooked, trace: str) -> None:
    named: list[str | None] = []

    async def note(request: web.Request) -> web.StreamResponse:
        named.append(request.headers.get("traceparent"))
        return await _refuse(request)

    hooked.handler = note
    assert await hooked.ask(trace=trace) is not None
    assert named == [trace or None]
