from __future__ import annotations

import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.errors import SettingError
from app.events import TRACEPARENT, Traceparent
from app.settings import Settings
from app.tracing.tracing import MOST_FOLLOWED, Tracing
from tests.support.collector import Collector


def place(*, sampled: bool = True) -> Traceparent:
    return Traceparent(secrets.token_hex(16), secrets.token_hex(8), sampled)


@asynccontextmanager
async def tracing_to(collector: Collector, **given: Any) -> AsyncIterator[Tracing]:
    tracing = Tracing(Settings(otlp=collector.root, **given))
    tracing.start("tests", "one")
    yield tracing
    await tracing.stop()


def begun(tracing: Tracing, header: str | None, second: int = 1) -> bool:
    span = tracing.of_request("POST /", header, second * 1_000_000_000)
    return span is not None


def test_without_a_collector_no_request_is_traced_and_a_records_trace_is_passed_on() -> None:
    tracing, there = Tracing(Settings(trace_sample=1.0)), place()
    tracing.start("tests", "one")
    assert not begun(tracing, str(there))
    span = tracing.of_record("rooms", [("src", b"1"), (TRACEPARENT, str(there).encode())])
    assert span is not None
    assert span.header == (TRACEPARENT, str(there).encode())
    span.note(parley_n=1)
    span.end()


async def test_the_share_says_of_how_many_requests_a_trace_begins() -> None:
    for share, least, most in ((0.0, 0, 0), (0.25, 150, 350), (1.0, 1000, 1000)):
        async with Collector() as collector, tracing_to(collector, trace_sample=share) as tracing:
            found = sum(begun(tracing, "garbage", second) for second in range(1000))
            assert least <= found <= most


async def test_a_request_is_followed_as_it_says_whatever_the_share() -> None:
    async with Collector() as collector, tracing_to(collector, trace_sample=1.0) as tracing:
        assert not begun(tracing, str(place(sampled=False)))
    async with Collector() as collector, tracing_to(collector, trace_sample=0.0) as tracing:
        assert begun(tracing, str(place()))
        assert (
            tracing.of_record("rooms", [(TRACEPARENT, str(place(sampled=False)).encode())]) is None
        )
        assert tracing.of_record("rooms", [(TRACEPARENT, b"\xff garbage")]) is None


async def test_clients_that_are_always_traced_are_followed_up_to_a_rate() -> None:
    async with Collector() as collector, tracing_to(collector, trace_sample=0.0) as tracing:
        for second in (1, 2):
            found = sum(begun(tracing, str(place()), second) for _ in range(3 * MOST_FOLLOWED))
            assert found == MOST_FOLLOWED


async def test_what_is_left_is_sent_at_the_end() -> None:
    async with Collector() as collector:
        async with tracing_to(collector, trace_sample=1.0) as tracing:
            span = tracing.of_request("POST /", None, time.time_ns())
            assert span is not None
            span.end()
        assert [one.name for one in collector.spans] == ["POST /"]


async def test_a_silent_collector_does_not_hold_up_the_end() -> None:
    async with Collector() as collector:
        collector.answers.clear()
        async with tracing_to(collector, trace_sample=1.0) as tracing:
            for _ in range(5000):
                span = tracing.of_request("POST /", None, time.time_ns())
                assert span is not None
                span.end()
            await collector.until(lambda: collector.requests)
            began = time.monotonic()
        assert time.monotonic() - began < 4
        collector.answers.set()


def test_without_the_libraries_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.tracing.otlp", None)
    tracing = Tracing(Settings(otlp="http://user:password@127.0.0.1:4318"))
    with pytest.raises(SettingError, match=r"PARLEY_OTLP is .*parley\[otel\]") as raised:
        tracing.start("tests", "one")
    assert "password" not in str(raised.value)
    Tracing(Settings()).start("tests", "one")
