from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.history.store import History
from tests.support.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new folder/history.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.database()


@pytest.fixture
async def history(url: str) -> AsyncIterator[History]:
    store = History(url)
    await store.open()
    yield store
    await store.close()
