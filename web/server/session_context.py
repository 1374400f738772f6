"""The parts of the edge and of the connection that a session uses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from app.metrics.edge_metrics import EdgeMetrics
from web.auth.authenticator import Authenticator
from web.http.problem import Problem
from web.hub.admission import Admission
from web.hub.delivery_state import DeliveryState
from web.limits.limits import Limits
from web.producer.connection_events import ConnectionEvents
from web.server.native_polls import Handover, NativePolls
from web.server.raw_responses import RawResponses
from web.server.sse_stream import StreamLimits

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SessionContext:
    """The parts of an edge that serve streams and polls, and their limits."""

    state: DeliveryState
    metrics: EdgeMetrics
    admission: Admission
    authenticator: Authenticator
    connection_events: ConnectionEvents
    responses: RawResponses
    limits: StreamLimits
    #: How often clients may ask, and on how many connections.
    request_limits: Limits
    #: Streams that one user may have at this edge.
    max_streams: int
    #: Seconds that a stream lasts, on average.
    mean_stream_life: float
    #: Serves repeated polls in C, where that part was built.
    native_polls: NativePolls | None
    #: Set when the edge ends its connections.
    ending: asyncio.Event


class SessionConnection(Protocol):
    """The connection of a session, as the session knows it."""

    transport: Any
    peer: str

    def set_deadline(self, seconds: float) -> None:
        """Call the session's `on_deadline` in so many seconds."""

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem and close: the end of the request is not known."""

    def answered(self, keep_alive: bool) -> None:
        """An answer has been written: wait for the next request, or close."""

    def enter_native(self) -> None:
        """The native part serves the connection: read nothing from the transport."""

    def leave_native(self, handover: Handover) -> None:
        """The transport serves the connection again."""


def send_problem(
    context: SessionContext,
    connection: SessionConnection,
    problem: Problem,
    origin: str | None,
    keep_alive: bool,
) -> None:
    """Answer a request with a problem, and go on with the connection."""
    log.info("refused", status=problem.status, code=problem.code)
    connection.transport.write(context.responses.problem(problem, origin, keep_alive))
    connection.answered(keep_alive)
