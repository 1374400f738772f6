"""Tracing of a message on its way: which messages are traced, and the spans of this process.

A message that is not traced costs a look at its record's headers, and the edge a random number.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

from app.errors import SettingError
from app.events import TRACEPARENT, Traceparent, traceparent_of
from app.setting_values import without_password
from app.settings import Settings

#: Traced requests of clients that are followed, each second and process: the sampled flag comes
#: from outside, and a client that sets it always must not fill the collector.
MOST_FOLLOWED: Final = 100

_NS: Final = 1_000_000_000


class Spans(Protocol):
    """Makes spans: `app/tracing/otlp.py`, which the OpenTelemetry libraries are needed for."""

    def begin(
        self, name: str, after: Traceparent | None, began_ns: int, *, serves: bool
    ) -> tuple[Traceparent, Any]:
        """A span that is under way, and its place in the trace."""

    async def stop(self) -> None:
        """Send what is left, within a moment."""


class Span:
    """A stage of a traced message; `place` is what the next stage goes on from."""

    __slots__ = ("_span", "place")

    def __init__(self, place: Traceparent, span: Any = None) -> None:
        self.place = place
        self._span = span

    @property
    def header(self) -> tuple[str, bytes]:
        """The header of a record that follows from this stage."""
        return TRACEPARENT, str(self.place).encode()

    def note(self, **attributes: str | int) -> None:
        """Add attributes, `a_b` as `a.b`: ids, counts and outcomes, never what somebody wrote."""
        if self._span is not None:
            for name, value in attributes.items():
                self._span.set_attribute(name.replace("_", "."), value)

    def end(self) -> None:
        """End the stage now."""
        if self._span is not None:
            self._span.end()


class Tracing:
    """The traces of a process. Without a collector it makes no spans and passes on what comes.

    `start` is called where the process has a stage of a message's way.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._spans: Spans | None = None
        self._second = 0
        self._followed = 0

    @property
    def is_on(self) -> bool:
        """Whether this process makes spans."""
        return self._spans is not None

    def start(self, service: str, instance: str) -> None:
        """Begin to make spans, if the settings name a collector.

        Raises `SettingError` where the libraries of `parley[otel]` are not installed.
        """
        if not self._settings.otlp:
            return
        try:
            from app.tracing.otlp import OtlpSpans
        except ImportError as error:
            url = without_password(self._settings.otlp)
            takes = f"effect with the libraries of `pip install 'parley[otel]'`: {error}"
            raise SettingError("PARLEY_OTLP", url, takes) from error
        self._spans = OtlpSpans(self._settings.otlp, service, instance)

    async def stop(self) -> None:
        """Send what is left, within a moment."""
        if self._spans is not None:
            await self._spans.stop()

    def of_request(self, name: str, header: str | None, began_ns: int) -> Span | None:
        """The first stage of a command, if it is traced: because its client does so, or by lot."""
        if self._spans is None:
            return None
        after = traceparent_of(header)
        if after is None:
            if random.random() >= self._settings.trace_sample:
                return None
        elif not after.sampled or not self._may_follow(began_ns // _NS):
            return None
        return Span(*self._spans.begin(name, after, began_ns, serves=True))

    def of_record(self, name: str, headers: Sequence[tuple[str, bytes]]) -> Span | None:
        """The stage of a record, if its message is traced."""
        for key, value in headers:
            if key == TRACEPARENT:
                return self.after(name, traceparent_of(value))
        return None

    def after(self, name: str, place: Traceparent | None) -> Span | None:
        """The stage that follows in a trace; `None` for no trace, or one that is not sampled."""
        if place is None or not place.sampled:
            return None
        if self._spans is None:
            return Span(place)
        return Span(*self._spans.begin(name, place, time.time_ns(), serves=False))

    def _may_follow(self, second: int) -> bool:
        if second != self._second:
            self._second, self._followed = second, 0
        self._followed += 1
        return self._followed <= MOST_FOLLOWED
