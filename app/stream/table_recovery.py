"""Recovery after a rebalance without losing records that arrive meanwhile.

When the tables are recovered, stock Faust resumes the topics' partitions, then seeks them to the
committed offsets, then empties the agents' queues. A record that has reached a queue by then is
lost: no agent sees it, and its offset is skipped. (Known upstream as faust-streaming#596.) Here no
partition is resumed until the queues have been emptied.

Stock Faust also applies each changelog record as an event of its own, some 5,000 a second. Groups
on Parley's loop read their changelogs here, in lists, ten times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faust.tables import TableManager as StockTableManager
from faust.tables.recovery import Recovery as StockRecovery

from app.stream.changelog_check import others
from app.stream.changelog_reader import read_changelogs
from app.stream.rocksdb_store import ChangelogMark


class Recovery(StockRecovery):
    """Faust's recovery, with the flow of records stopped until its last step."""

    async def _build_offsets(self, consumer: Any, tps: Any, destination: Any, title: str) -> None:
        """Called by Faust when it knows the ends of the changelogs."""
        await super()._build_offsets(consumer, tps, destination, title)
        app: Any = self.app
        if not app.declared.strict or title != "active":
            return
        tables: Mapping[Any, Any] = self.tp_to_table
        marks: dict[Any, ChangelogMark] = {}
        for place in tps:
            mark = tables[place].store.last_record(place.partition)
            if destination[place] > self.active_highwaters[place]:
                tables[place].store.start_over(place.partition, "it is ahead of its changelog")
                destination[place] = -1
            elif mark is not None:
                marks[place] = mark
        for place in await others(app.context.settings, marks):
            tables[place].store.start_over(place.partition, "its changelog is another than it was")
            destination[place] = -1

    async def _seek_offsets(self, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        """Called by Faust when it knows from where to where to read the changelogs."""
        app: Any = self.app
        if not app.declared.strict or title != "active":
            await super()._seek_offsets(consumer, tps, offsets, title)
            return
        wanted = {
            place: (offsets[place] + 1, self.active_highwaters[place] + 1)
            for place in tps
            if self.active_highwaters[place] > offsets[place]
        }
        tables: Mapping[Any, Any] = self.tp_to_table
        await read_changelogs(app.context.settings, app.conf.id, tables, wanted)
        # Faust then finds nothing left to read.
        for place, (_, end) in wanted.items():  # `offsets` is a Counter: its `update` would add.
            offsets[place] = end - 1
        for table in set(tables.values()):
            table.assign({p.partition: offsets[p] + 1 for p in tps if tables[p] is table})

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ARG002
        """Called by Faust, with a timeout that is not used: each request has its own."""
        await super()._wait(coro)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Called by Faust when the tables are recovered; ends by resuming the flow of records."""
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
