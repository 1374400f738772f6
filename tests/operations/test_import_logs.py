from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import pytest

from app.domain import chatlog
from app.embedded.child import Child
from app.embedded.ports import free_port
from app.errors import Unreachable
from app.operations.edge_client import EdgeClient
from app.operations.import_logs import chat_log_files
from tests.support.chat import Chat
from tests.web.support.asking import person

LINES = 150


async def history(chat: Chat, room: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with person(chat, "replay") as reader:
        more = True
        while more:
            after = found[-1]["seq"] if found else 0
            path = f"/v1/rooms/{room}/messages?after_seq={after}&limit=200"
            _, page = await reader.get(path)
            found += page["messages"]
            more = page["has_more"]
    return found


def written(path: Path, lines: int) -> Path:
    """A log of two people, with two lines that no room takes."""
    said = [
        f"[10:{number // 60:02}] <{'ab'[number % 2]}{path.stem}> {number}"
        for number in range(lines)
    ]
    said[3:3] = [
        "=== somebody has joined #room",
        "[10:00] <empty_> ",
        f"[10:00] <long_> {'x' * 4001}",
    ]
    path.write_bytes("\n".join(said).encode() + b" \xff\n")
    return path


async def test_a_replay_keeps_the_order_of_every_file_and_can_be_repeated(
    chat: Chat, tmp_path: Path
) -> None:
    files = [written(tmp_path / f"{uuid4().hex}.txt", lines) for lines in (LINES, 5)]
    code, output = await chat.parley("replay", "--url", chat.url, *map(str, files))
    assert code == 0, output
    assert f"{LINES + 9} messages: {LINES + 5} sent, 0 there already, 4 refused, 2 other" in output
    assert "refused, text_empty: 2" in output
    assert f"{files[0].name}:6 text_too_long" in output

    code, output = await chat.parley("replay", "--url", chat.url, *map(str, files))
    assert code == 0, output
    assert f": 0 sent, {LINES + 5} there already, 4 refused" in output
    for file in files:
        messages = await history(chat, file.stem)
        expected = [line for line in chatlog.parse(file.read_bytes()).lines if line.nick[-1] != "_"]
        assert [(m["by"], m["text"]) for m in messages] == [(e.nick, e.text) for e in expected]
        assert [m["seq"] for m in messages] == list(range(1, len(expected) + 1))


async def test_an_interrupted_replay_goes_on_where_it_was(chat: Chat, tmp_path: Path) -> None:
    room = uuid4().hex
    whole = written(tmp_path / "log.txt", 20)
    content = whole.read_bytes()
    whole.write_bytes(b"\n".join(content.split(b"\n")[:10]) + b"\n")
    code, _ = await chat.parley("replay", "--url", chat.url, str(whole), "--room", room)
    assert code == 0
    whole.write_bytes(content)
    code, output = await chat.parley(
        "replay", "--url", chat.url, str(whole), "--room", room, "--member", "reader"
    )
    assert code == 0
    assert re.search(r"22 messages: 13 sent, 7 there already, 2 refused", output)
    assert [int(m["text"].split()[0]) for m in await history(chat, room)] == list(range(20))
    async with person(chat, "reader") as reader:
        assert (await reader.get(f"/v1/rooms/{room}"))[0] == 200


async def test_an_edge_that_is_away_is_waited_for(chat: Chat) -> None:
    settings = replace(chat.settings, port=free_port())
    url = f"http://127.0.0.1:{settings.port}"
    room = {"room": uuid4().hex, "client_id": "open"}
    async with EdgeClient(settings, url, retry_seconds=0.1) as hasty:
        with pytest.raises(Unreachable):
            await hasty.post("/v1/rooms", "alice", room)
    log = settings.data / "logs" / "late.log"
    edge = Child([sys.executable, "-m", "app.cli", "edge"], log, settings.environ())
    async with EdgeClient(settings, url) as patient:
        waiting = asyncio.create_task(patient.post("/v1/rooms", "alice", room))
        edge.start()
        try:
            assert (await waiting)["n"] == 1
        finally:
            await edge.stop(30)


def test_files_and_rooms_go_one_to_one() -> None:
    paths = (Path("a/one two.txt"), Path("b.log"))
    assert [found.room for found in chat_log_files(paths, ())] == ["one-two", "b"]
    assert [found.room for found in chat_log_files(paths, ("x", "y"))] == ["x", "y"]
    for files, rooms in ((paths, ("x",)), (paths, ("x", "x")), ((Path("a/c"), Path("b/c")), ())):
        with pytest.raises(click.UsageError):
            chat_log_files(files, rooms)
