"""`parley rules`: shows the active rule set, activates another one, and tries one out."""

from __future__ import annotations

import asyncio
import re
import time
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import RuleMistake, RuleSet, parse
from app.domain.moderation.ruling import judge
from app.errors import ParleyError
from app.events import RulesSet, Ruling
from app.kafka.producer import new_producer
from app.moderation.active_rules import ActiveRules
from app.moderation.audit_log import AuditLog
from app.moderation.rule_plugins import rule_kinds
from app.operations.rules_backfill import apply as apply_rules
from app.operations.rules_dry_run import DryRun, feed
from app.runtime.clock import now_ms
from app.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType):
    """`90s`, `30m`, `2h` or `1d`, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """The seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", value)
        if found is None:
            self.fail(f"{value!r} is no duration, such as 90s, 30m, 2h, 1d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group(name="rules")
def command() -> None:
    """Show the active moderation rules, activate others, or try some out.

    docs/moderation.md describes rule files.
    """


@command.command()
def show() -> None:
    """Print the active rule set as it was set."""
    now = asyncio.run(_active_rules(Settings.read()))
    known = now.source
    if known is None:
        click.echo("# version 0: none was set; the words of PARLEY_BLOCKED_WORDS count")
        return
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(known.at_ms / 1000))
    click.echo(f"# version {known.version}, set by {known.by} at {when}")
    for name, lines in known.lists.items():
        click.echo(f"# {name}: {len(lines)} lines")
    click.echo(known.source, nl=not known.source.endswith("\n"))


@command.command(name="set")
@_FILE
@click.option("--by", default="operator", show_default=True, help="Your name for the audit log.")
def set_(file: Path, by: str) -> None:
    """Activate FILE everywhere; with a mistake in it nothing changes."""
    settings = Settings.read()
    source, lists, _ = read(file, settings)
    version = asyncio.run(_set(settings, source, lists, by))
    click.echo(f"version {version} is in force")


@command.command()
@click.argument("texts", nargs=-1, required=True, metavar="TEXT…")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def test(texts: tuple[str, ...], file: Path | None) -> None:
    """Print the ruling on each TEXT, by the active rules or those of --file."""
    settings = Settings.read()
    rules = read(file, settings)[2] if file else asyncio.run(_active_rules(settings)).rules
    for text in texts:
        click.echo(describe(text, judge(Message("", "somebody", text), Facts(), rules)))


@command.command()
@_FILE
@click.option("--from", "since", type=Duration(), default="2h", show_default=True)
@click.option("--live", type=Duration(), default="0s", help="Then follow new messages for so long.")
@click.option("--samples", default=5, show_default=True, help="Messages shown for each rule.")
def shadow(file: Path, since: float, live: float, samples: int) -> None:
    """Print what FILE would do to recent and new messages, without an effect."""
    settings = Settings.read()
    _, _, candidate = read(file, settings)
    shadow_run = DryRun(candidate, asyncio.run(_active_rules(settings)).rules, samples)
    at_ms = int((time.time() - since) * 1000)

    def on_live() -> None:
        click.echo(
            f"{shadow_run.seen} messages until now; going on for {live:.0f} s (Ctrl-C: no longer)"
        )
        shadow_run.on_sample = lambda found, text: click.echo(
            f"  {found.action} {found.rule}  {text}"
        )

    try:
        asyncio.run(feed(settings, shadow_run, at_ms, live, on_live))
    except KeyboardInterrupt:
        click.echo("")
    for line in shadow_run.report():
        click.echo(line)


@command.command()
@click.option("--since", type=Duration(), required=True, help="How far back: 90s, 30m, 2h, 1d.")
@click.option("--dry-run", is_flag=True, help="Print what would be hidden, and hide nothing.")
def apply(since: float, dry_run: bool) -> None:
    """Hide recent messages that the active rules refuse, for everybody."""
    settings = Settings.read()
    rules = asyncio.run(_active_rules(settings)).rules
    at_ms = int((time.time() - since) * 1000)
    seen, hidden = asyncio.run(apply_rules(settings, rules, at_ms, dry_run=dry_run))
    for place, text in hidden:
        click.echo(f"{place}: {text}")
    verb = "would be hidden" if dry_run else "hidden"
    click.echo(f"{seen} messages, {len(hidden)} {verb} by version {rules.version}")


def read(file: Path, settings: Settings) -> tuple[str, dict[str, tuple[str, ...]], RuleSet]:
    """The text of a rule file, the lists that it names, and the parsed rule set.

    Raises `ParleyError` with file, line and reason.
    """
    try:
        source = file.read_text("utf-8")
        lists = {name: _lines(file.parent / name) for name in _named(source)}
        return source, lists, parse(source, lists, rule_kinds(settings.rules))
    except RuleMistake as mistake:
        raise ParleyError(f"{file}:{mistake.line}: {mistake.reason}; nothing was changed") from None
    except UnicodeDecodeError as error:
        raise ParleyError(f"{file} or a list of its is not UTF-8: {error}") from None


def describe(text: str, ruling: Ruling | None) -> str:
    """A ruling as text, a line for each finding."""
    if ruling is None:
        return f"allow   {text}"
    lines = [f"{ruling.action:<7} {text}"]
    for finding in ruling.findings:
        matched = f": {', '.join(finding.matched)}" if finding.matched else ""
        places = " ".join(f"{start}-{end}" for start, end in finding.spans)
        lines.append(f"        {finding.action} by {finding.rule}{matched}  {places}".rstrip())
    return "\n".join(lines)


def _named(source: str) -> list[str]:
    """The list files that a rule text names; none for a text that `parse` refuses."""
    try:
        tables = tomllib.loads(source)
    except tomllib.TOMLDecodeError:
        return []
    each = [t for found in tables.values() for t in (found if isinstance(found, list) else [found])]
    given = [t["files"] for t in each if isinstance(t, dict) and isinstance(t.get("files"), list)]
    return [name for names in given for name in names if isinstance(name, str)]


def _lines(file: Path) -> tuple[str, ...]:
    if not file.is_file():
        raise ParleyError(f"there is no file {file}")
    return tuple(line for line in file.read_text("utf-8").splitlines() if line.strip())


async def _active_rules(settings: Settings) -> ActiveRules:
    active = ActiveRules(settings)
    try:
        await active.start()
    finally:
        await active.stop()
    return active


async def _set(settings: Settings, source: str, lists: dict[str, tuple[str, ...]], by: str) -> int:
    active = ActiveRules(settings)
    try:
        # A set that can't be used here is one that this set may replace.
        with suppress(ParleyError):
            await active.start()
    finally:
        await active.stop()
    known = active.source
    client = new_producer(settings)
    await client.start()
    try:
        audit_log = AuditLog(client, settings.partitions)
        act = RulesSet(
            id=audit_log.new_id(),
            by=by,
            at_ms=now_ms(),
            source=source,
            lists=lists,
            version=1 if known is None else known.version + 1,
        )
        return await audit_log.set_rules(act)
    finally:
        await client.stop()
