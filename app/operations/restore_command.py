"""`parley restore FOLDER`: makes a deployment from a backup."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from app.backup.backup_folder import BackupFolder
from app.backup.restore import restore
from app.operations.progress_line import ProgressLine
from app.runtime.clock import iso_of
from app.settings import Settings


@click.command(name="restore")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Make the deployment in FOLDER's backup anew, in a Kafka without topics of Parley.

    To be run before any worker or edge. An interrupted restore goes on when the command is run
    again. Cursors and client ids stay valid; readers that saw events after the backup get a reset.
    """
    settings, started = Settings.read(), time.monotonic()
    backup = BackupFolder(folder)
    progress = ProgressLine("records", backup.existing().count)
    manifest = asyncio.run(restore(settings, backup, progress))
    progress.clear()
    click.echo(f"{manifest.count} records restored in {time.monotonic() - started:.1f} s")
    click.echo(f"{settings.broker} has the deployment as of {iso_of(manifest.at_ms)}")
