"""Going on after a rebalance without losing what comes meanwhile.

When the tables stand again, stock Faust lets the topics' partitions flow, then seeks them to the
committed offsets, then empties the agents' queues. What has come into a queue by then is gone: no
agent sees it, and its offsets are passed by. (Known upstream as faust-streaming#596.) Here nothing
flows until the queues have been emptied.
"""

from __future__ import annotations

from faust.tables import TableManager as StockTableManager
from faust.tables.recovery import Recovery as StockRecovery


class Recovery(StockRecovery):
    """Faust's recovery, which keeps the flow stopped until its last step starts it again."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Called by Faust when the tables stand; ends by letting records flow."""
        self.app.consumer.stop_flow()
        await super().on_recovery_completed(generation_id)


class TableManager(StockTableManager):
    """Faust's table manager on the recovery above."""

    @property
    def recovery(self) -> StockRecovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
