"""Rates and delays of edges, from what each has counted since its start."""

from __future__ import annotations

from collections.abc import Iterable

from app.delivery.edge_reports import EdgeReport
from web.operator.snapshot import EdgeRow


class EdgeRates:
    """Compares each edge's report with the one before it."""

    def __init__(self, here: str) -> None:
        self._here = here
        #: By edge: its last report, and the one before it.
        self._reports: dict[str, tuple[EdgeReport, EdgeReport]] = {}

    def rows(self, reports: Iterable[EdgeReport]) -> list[EdgeRow]:
        """The rows of the edges that are alive."""
        found = list(reports)
        known = {one.edge: self._reports.get(one.edge, (one, one)) for one in found}
        self._reports = {
            one.edge: known[one.edge]
            if known[one.edge][0].at_ms == one.at_ms
            else (one, known[one.edge][0])
            for one in found
        }
        return [self._row(*self._reports[one.edge]) for one in found]

    def _row(self, now: EdgeReport, before: EdgeReport) -> EdgeRow:
        seconds = (now.at_ms - before.at_ms) / 1000
        return EdgeRow(
            edge=now.edge,
            here=now.edge == self._here,
            host=now.host,
            pid=now.pid,
            started_ms=now.started_ms,
            streams=now.streams,
            polls=now.polls,
            sends={
                outcome: _ratio(count - before.sends.get(outcome, 0), seconds)
                for outcome, count in now.sends.items()
            },
            send_ms=_mean_ms(
                now.answered_seconds - before.answered_seconds, now.answered - before.answered
            ),
            delivered=_ratio(now.delivered - before.delivered, seconds),
            delivery_ms=_mean_ms(
                now.broadcast_seconds - before.broadcast_seconds,
                now.broadcasts - before.broadcasts,
            ),
        )


def _ratio(count: float, seconds: float) -> float:
    return round(count / seconds, 1) if seconds > 0 else 0.0


def _mean_ms(seconds: float, count: int) -> float:
    return round(1000 * seconds / count, 1) if count > 0 else 0.0
