from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.history.store import History
from tests.history.server import Server, binaries


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    if binaries() is None:
        pytest.skip("needs PostgreSQL's programs (Debian: postgresql)")
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new folder/history.db"
    server: Server = request.getfixturevalue("postgresql_server")
    return server.database()


@pytest.fixture
async def history(url: str) -> AsyncIterator[History]:
    store = History(url)
    await store.open()
    yield store
    await store.close()
