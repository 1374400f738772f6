"""`parley replay`: sends the lines of chat logs through the edge, as the people who wrote them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from app.domain import chatlog
from app.errors import ParleyError
from app.operations.edge_client import EdgeClient, Refused
from app.settings import Settings

#: Refused lines that the summary lists; it counts all of them.
_LISTED = 20


@dataclass
class ImportCounts:
    """Counts of lines: all messages, sent now, there before, refused, and no messages."""

    total: int = 0
    sent: int = 0
    there: int = 0
    skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _refused: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Messages that are settled, whichever way."""
        return self.sent + self.there + self.reasons.total()

    def refuse(self, name: str, number: int, code: str, detail: str) -> None:
        """Note a line that the edge refused."""
        self.reasons[code] += 1
        if len(self._refused) < _LISTED:
            self._refused.append(f"  {name}:{number} {code}: {detail}")

    def summary(self, files: int, seconds: float) -> list[str]:
        """Lines for people."""
        rate = self.sent / seconds if seconds else 0.0
        head = (
            f"{files} files, {self.total} messages: {self.sent} sent, {self.there} there already, "
            f"{self.reasons.total()} refused, {self.skipped} other lines; "
            f"{seconds:.1f} s, {rate:.0f} messages/s"
        )
        reasons = [f"  refused, {code}: {count}" for code, count in self.reasons.most_common()]
        return [head, *reasons, *self._refused]


@dataclass(frozen=True)
class ChatLogFile:
    """A chat log and the room that it goes into."""

    path: Path
    room: str


class LogImport:
    """Replays recordings side by side, each in the order of its lines.

    A line is sent when the one before it has its number, so that a room's order is the file's
    whatever has to be sent twice. What the room holds already is not sent again.
    """

    def __init__(self, posting: EdgeClient, *, owner: str, speed: float) -> None:
        self.tally = ImportCounts()
        self._posting = posting
        self._owner = owner
        self._speed = speed

    async def run(self, recordings: list[ChatLogFile], guests: list[str]) -> None:
        """Replay all; `guests` become members too. Raises `ParleyError` where one can't go on."""
        async with asyncio.TaskGroup() as group:
            for recording in recordings:
                group.create_task(self._one(recording, guests))

    async def _one(self, recording: ChatLogFile, guests: list[str]) -> None:
        log = chatlog.parse(await asyncio.to_thread(recording.path.read_bytes))
        self.tally.total += len(log.lines)
        self.tally.skipped += log.skipped
        await self._open(recording, dict.fromkeys([line.nick for line in log.lines] + guests))
        there = await self._posting.client_ids(recording.room, self._owner)
        start = time.monotonic()
        for line, due in zip(log.lines, chatlog.seconds(log.lines), strict=True):
            if (line.nick, _wish(recording, line)) in there:
                self.tally.there += 1
                continue
            if self._speed:
                await asyncio.sleep(start + due / self._speed - time.monotonic())
            await self._say(recording, line)

    async def _open(self, recording: ChatLogFile, people: dict[str, None]) -> None:
        name, room = recording.path.name, recording.room
        body = {"room": room, "name": name[:80], "client_id": chatlog.client_id(name, 0)}
        try:
            await self._posting.post("/v1/rooms", self._owner, body)
        except Refused as refused:
            if refused.code != "room_exists":
                raise
        for person in people:
            if person == self._owner:
                continue
            body = {"user": person, "client_id": chatlog.client_id(f"{name}/{person}", 0)}
            await self._posting.post(f"/v1/rooms/{room}/members", self._owner, body)

    async def _say(self, recording: ChatLogFile, line: chatlog.Line) -> None:
        body = {"text": line.text, "client_id": _wish(recording, line)}
        try:
            await self._posting.post(f"/v1/rooms/{recording.room}/messages", line.nick, body)
        except Refused as refused:
            self.tally.refuse(recording.path.name, line.number, refused.code, refused.detail)
        else:
            self.tally.sent += 1


def _wish(recording: ChatLogFile, line: chatlog.Line) -> str:
    return chatlog.client_id(recording.path.name, line.number)


def chat_log_files(files: tuple[Path, ...], rooms: tuple[str, ...]) -> list[ChatLogFile]:
    """Each file with its room: the one given for it, or one named after it.

    Raises `click.UsageError` where the two don't match one to one.
    """
    if rooms and len(rooms) != len(files):
        raise click.UsageError(f"{len(files)} files need as many --room, not {len(rooms)}")
    named = rooms or tuple(chatlog.room_id(path.stem) for path in files)
    if len(set(named)) != len(files):
        raise click.UsageError("two files would go into one room; give each its own --room")
    return [ChatLogFile(path, room) for path, room in zip(files, named, strict=True)]


@click.command(name="replay")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--room", "rooms", multiple=True, help="The room of each file; else its name.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Times as fast as it was; 0: as fast as it goes.",
)
@click.option("--url", default="", help="The edge.  [default: where the settings have it]")
@click.option("--owner", default="replay", show_default=True, help="Who opens the rooms.")
@click.option("--member", "guests", multiple=True, help="Somebody else to let in; repeatable.")
def command(
    files: tuple[Path, ...],
    rooms: tuple[str, ...],
    speed: float,
    url: str,
    owner: str,
    guests: tuple[str, ...],
) -> None:
    """Replay chat logs ([HH:MM] <nick> text) through the HTTP edge, each into a room.

    Signs with PARLEY_SECRET. A replay that was interrupted, or is run again, goes on where it
    was: a line is in its room once.
    """
    settings = Settings.read()
    url = url or f"http://{settings.host}:{settings.port}"
    recordings = chat_log_files(files, rooms)
    started = time.monotonic()
    tally = _run(_replay(EdgeClient(settings, url), recordings, owner, speed, list(guests)))
    for row in tally.summary(len(recordings), time.monotonic() - started):
        click.echo(row)


def _run(replay: Coroutine[Any, Any, ImportCounts]) -> ImportCounts:
    """Its tally, or the first of the errors that ended it."""
    try:
        return asyncio.run(replay)
    except ExceptionGroup as group:
        cause = _first(group)
        if not isinstance(cause, ParleyError):
            raise
        raise cause from None


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


async def _replay(
    posting: EdgeClient, recordings: list[ChatLogFile], owner: str, speed: float, guests: list[str]
) -> ImportCounts:
    async with posting, asyncio.TaskGroup() as group:
        replay = LogImport(posting, owner=owner, speed=speed)
        shown = group.create_task(_show(replay.tally))
        await replay.run(recordings, guests)
        shown.cancel()
    return replay.tally


async def _show(tally: ImportCounts) -> None:
    """The progress, where somebody is looking."""
    while sys.stderr.isatty():
        click.echo(f"\r{tally.done} of {tally.total} lines ", err=True, nl=False)
        try:
            await asyncio.sleep(0.5)
        except asyncio.CancelledError:
            click.echo("\r", err=True, nl=False)
            raise
