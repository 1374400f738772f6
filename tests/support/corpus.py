"""Real chat logs, if this machine has them: ten files, a room for each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.domain import chatlog
from tests.support.chat import Chat
from tests.support.listener import Listener
from tests.support.person import Person

FOLDER = Path(__file__).parents[2].parent / "shared" / "corpus" / "irc"
WATCHER = "watcher"


def files() -> list[Path]:
    """The logs; skips the test where there are none."""
    found = sorted(FOLDER.glob("*.txt"))
    if not found:
        pytest.skip(f"no chat logs at {FOLDER}")
    return found


def said(path: Path) -> list[tuple[str, str]]:
    """Authors and texts, in order, as far as a room takes them."""
    lines = chatlog.parse(path.read_bytes()).lines
    return [(line.nick, line.text) for line in lines if line.text.strip()]


async def replay(chat: Chat, paths: list[Path], prefix: str) -> asyncio.subprocess.Process:
    """`parley replay` of the files into rooms of their own, with `WATCHER` in each."""
    rooms = [part for path in paths for part in ("--room", prefix + path.stem)]
    arguments = ["replay", "--url", chat.url, "--member", WATCHER, *rooms, *map(str, paths)]
    return await chat.command(*arguments)


async def finished(process: asyncio.subprocess.Process, within: float = 240) -> str:
    """What the replay said when it had ended well."""
    async with asyncio.timeout(within):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def compare(chat: Chat, listener: Listener, paths: list[Path], prefix: str) -> None:
    """The stream and the history hold just what the files do: complete, in order, once."""
    expected = {prefix + path.stem: said(path) for path in paths}
    total = sum(map(len, expected.values()))
    await listener.until(lambda: len(listener.messages()) >= total, within=60)
    async with Person(chat, WATCHER) as watcher:
        for room, messages in expected.items():
            streamed = [event for event in listener.events if event.get("room") == room]
            assert _spoken(streamed) == messages
            first = streamed[0]["n"]
            assert listener.numbers(room) == list(range(first, first + len(streamed)))
            stored = await watcher.history(room)
            assert _spoken(stored) == messages
            assert [event["seq"] for event in stored] == list(range(1, len(messages) + 1))


def _spoken(events: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(event["by"], event["text"]) for event in events if event["kind"] == "message.created"]
