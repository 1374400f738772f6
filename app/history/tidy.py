"""Making what was deleted go from the disk, as far as the database can."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from app.history.engine import writing

# Pages of the index rewritten in one transaction, so that nobody waits long.
_PAGES = 500


async def tidy(engine: AsyncEngine) -> None:
    """What is in no row is afterwards, in SQLite, on no page of the file either.

    SQLite's search index takes note of a deletion, and forgets when it is merged; the
    write-ahead log has old pages until it is emptied. PostgreSQL keeps old rows until VACUUM
    has been there, which frees their place and leaves it to later rows to write over it.
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
    pages = -_PAGES  # the first time: begin with all of the index
    while True:
        async with writing(engine) as connection:
            before = await connection.exec_driver_sql("SELECT total_changes()")
            done = before.scalar_one()
            await connection.exec_driver_sql(merge.format(pages))
            after = await connection.exec_driver_sql("SELECT total_changes()")
            # FTS5's manual: fewer than two changes are none.
            if pages > 0 and after.scalar_one() - done < 2:
                return
        pages = _PAGES
