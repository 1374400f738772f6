"""An OpenTelemetry collector of the tests' own: OTLP over HTTP, in protobuf."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.served import Served


@dataclass(frozen=True)
class CollectedSpan:
    """A span as it arrived; ids in hexadecimal digits, times in nanoseconds."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    began_ns: int
    ended_ns: int
    attributes: dict[str, Any]


class Collector(Served):
    """Takes spans from each `start` to its `stop`; while `answers` is clear it is silent."""

    def __init__(self, port: int = 0) -> None:
        super().__init__("/v1/traces", self._take, port)
        self.spans: list[CollectedSpan] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.requests = 0
        self._changed = asyncio.Condition()

    def of(self, trace: str) -> dict[str, CollectedSpan]:
        """The spans of a trace by name."""
        return {span.name: span for span in self.spans if span.trace == trace}

    async def until(self, condition: Callable[[], Any], within: float = 20.0) -> None:
        """Return when the condition is true; it is looked at after each request."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"not in {within} s; had {self.spans[-10:]}") from None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests += 1
        async with self._changed:
            self._changed.notify_all()
        await self.answers.wait()
        found = ExportTraceServiceRequest.FromString(body)
        for resource in found.resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [_collected(about["service.name"], one) for one in scope.spans]
        async with self._changed:
            self._changed.notify_all()
        return web.Response(body=b"", content_type="application/x-protobuf")


def _collected(service: str, span: Any) -> CollectedSpan:
    return CollectedSpan(
        service,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        {one.key: _value(one.value) for one in span.attributes},
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
