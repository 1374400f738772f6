"""Removing deleted data from the disk, as far as the database can."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from app.history.engine import writing

# Index pages that are rewritten in one transaction: few, so that other writers don't wait long.
_PAGES = 500


async def tidy(engine: AsyncEngine) -> None:
    """Remove data that are in no row from the disk; in SQLite they are on no page afterwards.

    SQLite's search index marks deleted entries until it is merged, and the write-ahead log has old
    pages until it is truncated. PostgreSQL keeps old rows until VACUUM, which frees their space and
    leaves it to later rows to overwrite it.
    """
    if engine.dialect.name == "sqlite":
        await _merge(engine)
    free = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with free.connect() as connection:
        await connection.exec_driver_sql(
            "PRAGMA wal_checkpoint(TRUNCATE)"
            if engine.dialect.name == "sqlite"
            else "VACUUM parley_messages, parley_reactions, parley_log"
        )


async def _merge(engine: AsyncEngine) -> None:
    merge = "INSERT INTO parley_search(parley_search, rank) VALUES ('merge', {})"
    pages = -_PAGES  # negative the first time: begin a merge of the whole index
    while True:
        async with writing(engine) as connection:
            before = await connection.exec_driver_sql("SELECT total_changes()")
            done = before.scalar_one()
            await connection.exec_driver_sql(merge.format(pages))
            after = await connection.exec_driver_sql("SELECT total_changes()")
            # FTS5's manual: fewer than two changes mean that nothing was merged.
            if pages > 0 and after.scalar_one() - done < 2:
                return
        pages = _PAGES
