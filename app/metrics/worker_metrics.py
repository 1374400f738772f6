"""What a worker counts while it works."""

from __future__ import annotations

from prometheus_client.registry import Collector

from app.metrics import catalogue
from app.metrics.counts import Counts, Timings
from app.metrics.under_way import UnderWay


class WorkerMetrics:
    """The counters and histograms of a worker's process."""

    def __init__(self) -> None:
        self.rebalances = Counts(catalogue.REBALANCES)
        self.recoveries = Timings(catalogue.RECOVERY_SECONDS)
        self.stages = Timings(catalogue.STAGE_SECONDS)
        self.dead_letters = Counts(catalogue.DEAD_LETTERS)
        self.rulings = Counts(catalogue.RULINGS)
        self.verdicts = Counts(catalogue.VERDICTS)
        self.publishes = Counts(catalogue.PUBLISHES)
        self.refills = UnderWay(catalogue.REFILL_SECONDS)

    def add_group(self, group: str) -> None:
        """Begin a group's counters at 0."""
        self.rebalances.add(group, times=0)
        self.dead_letters.add(group, times=0)

    def collectors(self, *, pipeline: bool = True, fan_out: bool = True) -> list[Collector]:
        """All that a process with or without the groups `pipeline` and `fan_out` counts."""
        found: list[Collector] = [
            *(self.rebalances, self.recoveries, self.stages, self.dead_letters)
        ]
        found += [self.rulings, self.verdicts] if pipeline else []
        return [*found, self.publishes, self.refills] if fan_out else found
