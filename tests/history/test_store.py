import asyncio
import sys

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.errors import Malformed
from app.events import MessageCreated, encode
from app.history.engine import connect, history_url
from app.history.entry import Entry
from app.history.migrations import SchemaNewer
from app.history.schema import VERSION, messages, metadata, versions
from app.history.schema import log as rows
from app.history.store import History
from tests.history.room import entries, log, messages_of


async def stored_rows(url: str) -> list[tuple[str, int]]:
    engine: AsyncEngine = connect(history_url(url))
    async with engine.connect() as connection:
        found = await connection.execute(
            select(rows.c.room, rows.c.n).order_by(rows.c.room, rows.c.n)
        )
        stored = [(room, n) for room, n in found]
    await engine.dispose()
    return stored


def message(text: str, *, room: str = "lobby", by: str = "ann") -> MessageCreated:
    return MessageCreated(room=room, n=1, by=by, at_ms=1, id="e", client_id="c", seq=1, text=text)


async def test_every_event_is_kept_and_pages_show_messages_alone(
    history: History, url: str
) -> None:
    lobby = entries("lobby", 10)
    await history.append(lobby)
    assert await history.page("lobby") == messages_of(lobby)
    assert await stored_rows(url) == [("lobby", entry.n) for entry in lobby]
    assert await history.newest_seq("lobby") == 10


async def test_room_without_messages_is_empty(history: History) -> None:
    await history.append(entries("quiet", 0))
    assert await history.page("quiet") == []
    assert await history.newest_seq("quiet") == 0
    assert await history.page("not there") == []


async def test_appending_again_changes_nothing(history: History, url: str) -> None:
    lobby = entries("lobby", 6)
    await history.append(lobby[:4])
    other = [entry._replace(raw=b"{}") for entry in lobby]
    await history.append(other[:4] + lobby[4:] + lobby[4:])
    assert await history.page("lobby") == messages_of(lobby)
    assert len(await stored_rows(url)) == len(lobby)


async def test_batch_is_stored_whole_or_not_at_all(history: History, url: str) -> None:
    lobby = entries("lobby", 3)
    with pytest.raises(IntegrityError):
        await history.append([*lobby, lobby[0]._replace(n=99, kind=None)])  # type: ignore[arg-type]
    assert await stored_rows(url) == []


@pytest.mark.parametrize(
    "text",
    ["a\0b", "\\ud83d \ud7ff\ue000 \U0010ffff", "<img src=x onerror=alert(1)>", "", "🙂" * 4000],
)
async def test_text_comes_back_byte_for_byte(history: History, text: str) -> None:
    raw = encode(message(text))
    await history.append([Entry.of(message(text), raw)])
    assert await history.page("lobby") == [raw]


@pytest.mark.parametrize("name", ["a\0b", "half a pair \ud83d"])
async def test_name_that_no_database_takes_is_malformed(history: History, name: str) -> None:
    for event in (message("hi", room=name), message("hi", by=name)):
        with pytest.raises(Malformed):
            Entry.of(event, b"{}")
    assert await history.page(name) == []
    assert await history.newest_seq(name) == 0


async def test_names_differ_by_their_bytes(history: History) -> None:
    names = ["room", "Room", "rôom", "ro\u0302om", "room ", "部屋"]
    for name in names:
        await history.append(entries(name, len(name)))
    for name in names:
        assert await history.newest_seq(name) == len(name)
        assert await history.page(name) == messages_of(entries(name, len(name)))


async def test_numbers_beyond_the_database_are_no_error(history: History) -> None:
    lobby = entries("lobby", 3)
    await history.append(lobby)
    assert await history.page("lobby", before_seq=10**30, limit=10**30) == messages_of(lobby)
    assert await history.page("lobby", after_seq=-(10**30)) == messages_of(lobby)
    assert await history.page("lobby", limit=0) == []
    assert await history.page("lobby", limit=-1) == []


async def test_processes_that_open_and_append_at_once_store_each_event_once(url: str) -> None:
    command = (sys.executable, "-m", "tests.history.appender", url, "lobby", "1500")
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(3)
    ]
    for process in started:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    assert [process.returncode for process in started] == [0, 0, 0], ended
    assert await stored_rows(url) == [("lobby", event.n) for event in log("lobby", 1500)]


async def test_opening_again_keeps_what_is_there(history: History, url: str) -> None:
    await history.append(entries("lobby", 3))
    again = History(url)
    await asyncio.gather(*(again.open() for _ in range(4)))
    assert await again.page("lobby") == messages_of(entries("lobby", 3))
    await again.close()
    engine = connect(history_url(url))
    async with engine.connect() as connection:
        assert list(await connection.scalars(select(versions.c.version))) == [VERSION]
    await engine.dispose()


async def test_store_of_a_later_parley_is_refused_and_untouched(url: str) -> None:
    later = History(url)
    await later.open()
    await later.close()
    engine = connect(history_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all, tables=[messages])
        await connection.execute(insert(versions).values(version=VERSION + 1, since_ms=0))
    with pytest.raises(SchemaNewer, match=f"version {VERSION + 1}"):
        await later.open()
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.max(versions.c.version))) == VERSION + 1
        with pytest.raises(Exception, match="parley_messages"):
            await connection.execute(text("SELECT * FROM parley_messages"))
    await engine.dispose()
    await later.close()
