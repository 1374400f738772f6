"""A store of an older schema version is migrated with all its contents."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError

from app.events import AnyLogEvent, MessageCreated, MessageDeleted
from app.history.engine import connect, history_url
from app.history.schema import VERSION, versions
from app.history.store import History
from tests.history import version1, version2
from tests.history.recount import as_now
from tests.history.room import entries
from tests.history.story import entries_of, story
from tests.history.test_message_state import everything, pages

DEEDS = ["say", "reply", "edit", "say", "react", "delete", "join", "unreact", "react"]


def log_of(room: str, seed: int) -> list[AnyLogEvent]:
    chance = random.Random(seed)
    deeds = [(chance.choice(DEEDS), chance.choice(["ann", "ben"]), n % 12) for n in range(900)]
    return story(room, deeds)


def texts(room: str, said: list[str]) -> list[AnyLogEvent]:
    """A message for each text."""
    stamp: dict[str, Any] = {"room": room, "by": "ann", "id": "e", "client_id": "c"}
    return [
        MessageCreated(**stamp, n=seq, at_ms=seq, seq=seq, text=text)
        for seq, text in enumerate(said, 1)
    ]


def deleted(room: str, n: int, seq: int) -> AnyLogEvent:
    stamp: dict[str, Any] = {"room": room, "by": "ann", "id": "e", "client_id": "d"}
    return MessageDeleted(**stamp, n=n, at_ms=n, seq=seq, of=seq)


async def test_version_1_becomes_what_a_new_store_would_hold(url: str) -> None:
    logs = {room: log_of(room, seed) for seed, room in enumerate(("a", "b", "部屋"))}
    await version1.write(url, [entry for log in logs.values() for entry in entries_of(log)])
    stores = [History(url) for _ in range(3)]
    await asyncio.gather(*(store.open() for store in stores))
    for room, log in logs.items():
        assert await pages(stores[1], room) == as_now(log)[-100:]
        await stores[2].append(entries_of(log))
        assert await pages(stores[1], room) == as_now(log)[-100:]
    for store in stores:
        await store.close()
    engine = connect(history_url(url))
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert "parley_events" not in names
        assert list(await connection.scalars(select(versions.c.version))) == [1, VERSION]
    await engine.dispose()


async def test_older_parley_that_still_runs_can_write_no_more(url: str) -> None:
    await version1.write(url, entries("lobby", 3))
    store = History(url)
    await store.open()
    before = await everything(url, "lobby")
    engine = connect(history_url(url))
    with pytest.raises(DBAPIError, match="parley_events"):
        async with engine.begin() as connection:
            await connection.run_sync(version1.append, entries("lobby", 4))
    assert await everything(url, "lobby") == before
    await engine.dispose()
    await store.close()


async def test_version_2_finds_words_as_a_new_store_does_and_shows_the_same(url: str) -> None:
    said = ["İstanbul", "co\u00adop", "plain words", "two  spaces", "Борис", "to be deleted", "x"]
    log = texts("lobby", [*said, *(f"number {n}" for n in range(2500))])
    await version2.write(url, [*log, deleted("lobby", len(log) + 1, 6)])
    stores = [History(url) for _ in range(2)]
    await asyncio.gather(*(store.open() for store in stores))
    for query, seqs in {
        "istanbul": [1],
        "coop": [2],
        "PLAIN": [3],
        "two spaces": [4],
        "борис": [5],
        "deleted": [],
        "number 2499": [2507],
    }.items():
        assert [one.seq for one in await stores[0].search(query, ["lobby"])] == seqs, query
    assert (
        await pages(stores[1], "lobby") == as_now([*log, deleted("lobby", len(log) + 1, 6)])[-100:]
    )
    await stores[0].append(entries_of(texts("else", ["co\u00adop"])))
    assert [one.room for one in await stores[1].search("coop", ["lobby", "else"])] == [
        "lobby",
        "else",
    ]
    for store in stores:
        await store.close()


async def test_archive_of_version_2_that_still_runs_can_store_no_more(url: str) -> None:
    await version2.write(url, texts("lobby", ["one"]))
    store = History(url)
    await store.open()
    engine = connect(history_url(url))
    with pytest.raises(DBAPIError, match="folded"):
        async with engine.begin() as connection:
            await connection.run_sync(version2.append, "lobby", 2)
    await engine.dispose()
    await store.close()
