"""Deleted data are removed from the disk, too."""

from __future__ import annotations

from pathlib import Path

from app.events import MessageCreated, MessageEdited
from app.history.store import History
from tests.history.room import entries
from tests.history.story import entries_of


async def test_nothing_of_a_deleted_text_is_in_the_files(tmp_path: Path) -> None:
    history = History(f"sqlite+aiosqlite:///{tmp_path}/history.db")
    await history.open()
    # Of these characters nothing else is made; the search index has them by threes.
    secret = "\u03c8\u03c9\u03c6"
    common = {"room": "lobby", "by": "ann", "at_ms": 9, "id": "e", "client_id": "c"}
    said = [
        MessageCreated(n=n, seq=n, text=secret if n == 1 else f"message {n}", **common)
        for n in range(1, 400)
    ]
    await history.append(entries_of(said))
    await history.append(entries_of([MessageEdited(n=400, of=1, seq=1, text="new", **common)]))
    traces = (secret.encode(), secret[1:].encode())
    assert any(trace in in_files(tmp_path) for trace in traces), "there is nothing to tidy"
    await history.tidy()
    assert not any(trace in in_files(tmp_path) for trace in traces)
    assert b"message 17" in in_files(tmp_path)
    found = await history.search("message 17", ["lobby"])
    assert [one.seq for one in found] == [*range(179, 169, -1), 17]
    await history.close()


def in_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_tidying_is_for_both_databases_and_may_be_done_again(history: History) -> None:
    await history.append(entries("lobby", 300))
    await history.tidy()
    await history.forget("ann")
    await history.tidy()
    await history.tidy()
    assert await history.search("message", ["lobby"]) == []
