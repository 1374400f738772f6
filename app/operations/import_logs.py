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
from app.runtime.addresses import local_url
from app.settings import Settings

#: Refused lines that the summary lists; it counts all of them.
_MAX_LISTED = 20


@dataclass
class ImportCounts:
    """Counts of messages: all, sent, there already, refused; and of lines that are no messages."""

    total: int = 0
    sent: int = 0
    there: int = 0
    skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _refused: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Messages that were sent, were there already or were refused."""
        return self.sent + self.there + self.reasons.total()

    def refuse(self, name: str, number: int, code: str, detail: str) -> None:
        """Count a line that the edge refused."""
        self.reasons[code] += 1
        if len(self._refused) < _MAX_LISTED:
            self._refused.append(f"  {name}:{number} {code}: {detail}")

    def summary(self, files: int, seconds: float) -> list[str]:
        """The counts as lines of text."""
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
    """A chat log and the room to import it into."""

    path: Path
    room: str


class LogImport:
    """Imports chat logs concurrently, each in the order of its lines.

    A line is sent when the one before it has its number, so a room has the order of the file
    whatever had to be sent twice. Messages that the room has already are not sent.
    """

    def __init__(self, edge: EdgeClient, *, owner: str, speed: float) -> None:
        self.counts = ImportCounts()
        self._edge = edge
        self._owner = owner
        self._speed = speed

    async def run(self, logs: list[ChatLogFile], guests: list[str]) -> None:
        """Import all; `guests` become members, too. Raises `ParleyError` where one can't go on."""
        async with asyncio.TaskGroup() as group:
            for log_file in logs:
                group.create_task(self._one(log_file, guests))

    async def _one(self, log_file: ChatLogFile, guests: list[str]) -> None:
        log = chatlog.parse(await asyncio.to_thread(log_file.path.read_bytes))
        self.counts.total += len(log.lines)
        self.counts.skipped += log.skipped
        await self._open(log_file, dict.fromkeys([line.nick for line in log.lines] + guests))
        there = await self._edge.client_ids(log_file.room, self._owner)
        start = time.monotonic()
        for line, due in zip(log.lines, chatlog.seconds(log.lines), strict=True):
            if (line.nick, _client_id(log_file, line)) in there:
                self.counts.there += 1
                continue
            if self._speed:
                await asyncio.sleep(start + due / self._speed - time.monotonic())
            await self._say(log_file, line)

    async def _open(self, log_file: ChatLogFile, people: dict[str, None]) -> None:
        name, room = log_file.path.name, log_file.room
        body = {"room": room, "name": name[:80], "client_id": chatlog.client_id(name, 0)}
        try:
            await self._edge.post("/v1/rooms", self._owner, body)
        except Refused as refused:
            if refused.code != "room_exists":
                raise
        for person in people:
            if person == self._owner:
                continue
            body = {"user": person, "client_id": chatlog.client_id(f"{name}/{person}", 0)}
            await self._edge.post(f"/v1/rooms/{room}/members", self._owner, body)

    async def _say(self, log_file: ChatLogFile, line: chatlog.Line) -> None:
        body = {"text": line.text, "client_id": _client_id(log_file, line)}
        try:
            await self._edge.post(f"/v1/rooms/{log_file.room}/messages", line.nick, body)
        except Refused as refused:
            self.counts.refuse(log_file.path.name, line.number, refused.code, refused.detail)
        else:
            self.counts.sent += 1


def _client_id(log_file: ChatLogFile, line: chatlog.Line) -> str:
    return chatlog.client_id(log_file.path.name, line.number)


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
@click.option("--room", "rooms", multiple=True, help="The room of each file; by default its name.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Times the original speed; 0: without pauses.",
)
@click.option("--url", default="", help="The edge.  [default: that of the settings]")
@click.option("--owner", default="replay", show_default=True, help="The owner of the rooms.")
@click.option("--member", "guests", multiple=True, help="Another member; repeatable.")
def command(
    files: tuple[Path, ...],
    rooms: tuple[str, ...],
    speed: float,
    url: str,
    owner: str,
    guests: tuple[str, ...],
) -> None:
    """Replay chat logs ([HH:MM] <nick> text) through the HTTP edge, each into a room.

    Signs tokens with PARLEY_SECRET. A replay that was interrupted continues where it was when it is
    run again: each line is in its room once.
    """
    settings = Settings.read()
    url = url or local_url(settings.host, settings.port)
    logs = chat_log_files(files, rooms)
    started = time.monotonic()
    counts = _run(_replay(EdgeClient(settings, url), logs, owner, speed, list(guests)))
    for row in counts.summary(len(logs), time.monotonic() - started):
        click.echo(row)


def _run(replay: Coroutine[Any, Any, ImportCounts]) -> ImportCounts:
    """The counts, or the first of the errors that ended the import."""
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
    edge: EdgeClient, logs: list[ChatLogFile], owner: str, speed: float, guests: list[str]
) -> ImportCounts:
    async with edge, asyncio.TaskGroup() as group:
        replay = LogImport(edge, owner=owner, speed=speed)
        shown = group.create_task(_show(replay.counts))
        await replay.run(logs, guests)
        shown.cancel()
    return replay.counts


async def _show(counts: ImportCounts) -> None:
    """Show the progress, if standard error is a terminal."""
    while sys.stderr.isatty():
        click.echo(f"\r{counts.done} of {counts.total} lines ", err=True, nl=False)
        try:
            await asyncio.sleep(0.5)
        except asyncio.CancelledError:
            click.echo("\r", err=True, nl=False)
            raise
