"""Spans by the OpenTelemetry SDK, sent to a collector by OTLP over HTTP.

Spans wait in a queue of bounded length for a thread that sends them. While the collector is away or
slow, spans are lost, and nothing waits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)

from app.events import Traceparent

log = structlog.get_logger()

#: Spans that wait at most, milliseconds between two requests, and the most spans of one. A request
#: takes 3 ms of processor, however few spans it has.
_QUEUE: Final = 2048
_EVERY_MS: Final = 2000
_AT_ONCE: Final = 512

#: Seconds for a batch, with its repetitions, and for what is left when the process ends.
_TAKE_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 2.0


class OtlpSpans:
    """Makes spans that go to a collector; `url` is its address without `/v1/traces`."""

    def __init__(self, url: str, service: str, instance: str) -> None:
        # It logs each failed batch; `_Telling` says once what that means.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        about = {
            "service.name": service,
            "service.instance.id": instance,
            "service.version": version("parley"),
        }
        endpoint = f"{url.rstrip('/')}/v1/traces"
        exporter = _Telling(OTLPSpanExporter(endpoint=endpoint, timeout=_TAKE_SECONDS))
        self._provider = TracerProvider(
            # Which messages are traced is decided before a span is made.
            sampler=ALWAYS_ON,
            resource=Resource.create(about),
            # At the process's exit it would wait for half a minute.
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=_QUEUE,
                schedule_delay_millis=_EVERY_MS,
                max_export_batch_size=_AT_ONCE,
            )
        )
        self._tracer = self._provider.get_tracer("parley", version("parley"))

    def begin(
        self, name: str, after: Traceparent | None, began_ns: int, *, serves: bool
    ) -> tuple[Traceparent, Span]:
        """A span that is under way, and its place in the trace."""
        span = self._tracer.start_span(
            name,
            context=Context() if after is None else _context(after),
            kind=SpanKind.SERVER if serves else SpanKind.CONSUMER,
            start_time=began_ns,
        )
        made = span.get_span_context()
        return Traceparent(f"{made.trace_id:032x}", f"{made.span_id:016x}"), span

    async def stop(self) -> None:
        """Send what is left; what takes longer than a moment is lost."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            # The loop may have ended meanwhile.
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        # A daemon: a collector that takes a request and does not answer must not hold up the exit.
        threading.Thread(target=shut_down, daemon=True).start()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await done.wait()
        except TimeoutError:
            log.warning("the last spans are lost")


class _Telling(SpanExporter):
    """Logs when spans begin to be lost, and when the collector takes them again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; called in the SDK's thread."""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("the collector does not take spans")
            self._lost += len(spans)
        elif self._lost:
            log.info("the collector takes spans again", lost=self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        """Stop sending."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's
        """Nothing is buffered here."""
        return True


def _context(after: Traceparent) -> Context:
    place = SpanContext(
        int(after.trace_id, 16), int(after.span_id, 16), is_remote=True, trace_flags=TraceFlags(1)
    )
    return set_span_in_context(NonRecordingSpan(place), Context())
