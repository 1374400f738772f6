"""A stream that can't begin, or has to end, says why and when to come back."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from app.errors import Unreachable
from tests.web.conftest import Try
from tests.web.support.polling import Door, Poller
from web.http.problem import Problem


def failing(error: Callable[[], Exception], test: Callable[[Poller], Awaitable[None]]) -> Any:
    """A test of somebody whose token can't be checked."""

    async def attempt(door: Door) -> None:
        async def fail(*_: object) -> None:
            raise error()

        async with Poller(door, "ann") as poller:
            door.context.authenticator.known_stream = lambda *_: None  # type: ignore[method-assign]
            door.context.authenticator.stream = fail  # type: ignore[method-assign, assignment]
            await test(poller)

    return attempt


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (partial(Problem, "keys_unreachable", "no keys"), "unavailable"),
        (partial(Unreachable, "Valkey"), "unavailable"),
        (partial(KeyError, "a bug"), "internal"),
    ],
)
async def test_what_fails_before_a_stream_begins_is_told_by_a_goodbye(
    served_once: Try, error: Callable[[], Exception], code: str
) -> None:
    async def streams(poller: Poller) -> None:
        poller.send(poller.request("").replace(b"/events", b"/stream"))
        head, _, body = (await poller.reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream")
        assert re.fullmatch(
            rb'event: goodbye\ndata: {"code":"%b","reason":"[^"]+"}\nretry: \d+\n\n'
            % code.encode(),
            body,
        )

    await served_once(failing(error, streams))


async def test_a_poll_is_told_by_its_status(served_once: Try) -> None:
    async def polls(poller: Poller) -> None:
        poller.send()
        head, problem = await poller.reply()
        assert (head.split()[1], problem["code"]) == ("503", "keys_unreachable")

    await served_once(failing(partial(Problem, "keys_unreachable", "no keys"), polls))


async def test_a_stream_that_is_refused_is_refused_by_its_status(served_once: Try) -> None:
    async def streams(poller: Poller) -> None:
        poller.send(poller.request("").replace(b"/events", b"/stream"))
        head, problem = await poller.reply()
        assert (head.split()[1], problem["code"]) == ("401", "token_expired")

    await served_once(failing(partial(Problem, "token_expired", "old"), streams))
