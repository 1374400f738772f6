import asyncio
import signal
import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from app.errors import SettingError, Unreachable, Unusable
from app.history.engine import history_url
from app.history.outage import outages
from app.history.store import History
from tests.history.room import entries, messages_of
from tests.support.postgres import Postgres


async def end(own_postgres: Postgres) -> None:
    # "Fast": connections are ended rather than waited for.
    assert await own_postgres.child.stop(by=signal.SIGINT)


async def assert_unreachable(history: History) -> None:
    lobby = entries("lobby", 3)
    for call in (
        history.open(), history.ping(), history.append(lobby), history.page("lobby"),
        history.newest_seq("lobby"), history.search("message", ["lobby"]), history.kept_from("a"),
        history.drop_before("lobby", 1), history.forget("ann"), history.tidy(), history.rooms(),
        history.state("lobby"),
    ):  # fmt: skip
        with pytest.raises(Unreachable):
            await call


async def test_a_store_that_is_not_made_yet_is_unreachable(tmp_path: Path) -> None:
    history = History(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    for call in (history.ping(), history.page("lobby"), history.rooms()):
        with pytest.raises(Unreachable, match="no tables yet"):
            await call
    await history.open()
    await history.ping()
    await history.close()


async def test_stopped_postgresql_is_unreachable_and_serves_after_its_return(
    own_postgres: Postgres,
) -> None:
    history = History(own_postgres.database())
    lobby = entries("lobby", 3)
    await history.open()
    await history.append(lobby)
    await end(own_postgres)
    await assert_unreachable(history)
    own_postgres.start()
    await history.ping()
    await history.append(lobby)
    assert await history.page("lobby") == messages_of(lobby)
    await history.close()


async def test_restart_of_postgresql_unnoticed_between_two_calls_is_no_error(
    own_postgres: Postgres,
) -> None:
    history = History(own_postgres.database())
    await history.open()
    await end(own_postgres)
    own_postgres.start()
    await history.append(entries("lobby", 3))
    assert await history.newest_seq("lobby") == 3
    await history.close()


async def test_sqlite_file_that_cannot_be_opened_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "history.db").mkdir()
    history = History(f"sqlite+aiosqlite:///{tmp_path}/history.db")
    await assert_unreachable(history)
    await history.close()


async def test_a_damaged_sqlite_file_is_unusable_until_it_is_whole_again(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    history = History(f"sqlite+aiosqlite:///{path}")
    await history.open()
    await history.append(entries("lobby", 2))
    await history.close()
    whole = path.read_bytes()
    for damaged in (b"no database at all " * 100, whole[:4096] + b"\xff" * (len(whole) - 4096)):
        path.write_bytes(damaged)
        with pytest.raises(Unusable):
            await history.append(entries("lobby", 3))
    path.write_bytes(whole)
    await history.append(entries("lobby", 3))
    assert await history.newest_seq("lobby") == 3
    await history.close()


async def test_a_postgresql_that_is_read_only_is_unusable_until_it_is_not(
    own_postgres: Postgres,
) -> None:
    history = History(own_postgres.database())
    await history.open()
    engine = history._engine

    async def default(how: str) -> None:
        async with engine.begin() as connection:
            name = engine.url.database
            await connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            setting = f"default_transaction_read_only = {how}"
            await connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET {setting}')
        await engine.dispose()

    await default("on")
    with pytest.raises(Unusable):
        await history.append(entries("lobby", 3))
    await default("off")
    await history.append(entries("lobby", 3))
    await history.close()


@pytest.mark.parametrize(
    ("code", "raised"),
    [("28P01", Unusable), ("42501", Unusable), ("57P03", Unreachable), ("42703", DBAPIError)],
)
def test_what_somebody_has_to_mend_is_told_from_what_passes_and_from_our_mistakes(
    code: str, raised: type[Exception]
) -> None:
    cause = psycopg.errors.lookup(code)()
    with pytest.raises(raised) as found, outages():
        raise DBAPIError("", None, cause)
    assert type(found.value) is raised


async def test_sqlite_writer_waits_for_another_and_readers_do_not(tmp_path: Path) -> None:
    history = History(f"sqlite+aiosqlite:///{tmp_path}/history.db")
    await history.open()
    other = sqlite3.connect(tmp_path / "history.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(history.append(entries("lobby", 3)))
    assert await history.newest_seq("lobby") == 0
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    await waiting
    assert await history.newest_seq("lobby") == 3
    await history.close()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u@h:1/d?sslmode=require", "postgresql+psycopg://u@h:1/d?sslmode=require"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("sqlite:///x/y.db", "sqlite+aiosqlite:///x/y.db"),
    ],
)
def test_url_gets_the_driver_that_is_there(given: str, taken: str) -> None:
    assert history_url(given).render_as_string(hide_password=False) == taken


@pytest.mark.parametrize(
    "given",
    [
        "mysql://u:hunter2@h/d",
        "hunter2",
        "",
        "sqlite://",
        "postgresql+asyncpg://u:hunter2@h/d",
        "sqlite://u:hunter2@h/x.db",
        "sqlite://h/x.db",
    ],
)
def test_url_that_cannot_be_used_is_said_without_its_password(given: str) -> None:
    with pytest.raises(SettingError, match="PARLEY_HISTORY") as raised:
        history_url(given)
    assert "hunter2" not in str(raised.value)
