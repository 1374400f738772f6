"""`parley backup FOLDER`: copies what a deployment can't be made from again."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from app.backup.backup import back_up
from app.backup.backup_folder import BackupFolder
from app.backup.restore import check
from app.errors import ParleyError
from app.operations.progress_line import ProgressLine
from app.runtime.clock import iso_of
from app.settings import Settings


@click.command(name="backup")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--check", "checked", is_flag=True, help="Read the whole backup, and change nothing.")
def command(folder: Path, checked: bool) -> None:
    """Copy the deployment's topics into FOLDER, while the chat goes on.

    A folder that has a backup gets what has come since. The backup has every message that was
    accepted before the command began. `parley restore FOLDER` makes the deployment from it.
    """
    started, progress = time.monotonic(), ProgressLine("records")
    backup = BackupFolder(folder)
    before = 0
    if checked:
        manifest = asyncio.run(check(backup, progress))
    else:
        known = backup.manifest()
        before = 0 if known is None else known.count - sum(p.segment.count for p in known.pending)
        try:
            manifest = asyncio.run(back_up(Settings.read(), backup, progress))
        except OSError as error:
            raise ParleyError(f"can't write the backup to {folder}: {error}") from error
    progress.clear()
    seconds = time.monotonic() - started
    if checked:
        click.echo(f"{manifest.count} records can be read, in {seconds:.1f} s")
    else:
        click.echo(f"{manifest.count - before} records copied in {seconds:.1f} s")
    click.echo(f"{folder}: {manifest.count} records, until {iso_of(manifest.at_ms)}")
