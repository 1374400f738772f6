"""A line that shows the progress of a command."""

from __future__ import annotations

import sys
import time

import click


class ProgressLine:
    """A line with the progress, if standard error is a terminal; a `total` of 0 is not known."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what, self._total = what, total
        self._done = 0
        self._shown = 0.0

    def __call__(self, more: int) -> None:
        """Count `more` events."""
        self._done += more
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._shown > 0.2:
            self._shown = now
            of = f" of {self._total}" if self._total else ""
            click.echo(f"\r{self._what}: {self._done}{of} ", err=True, nl=False)

    def clear(self) -> None:
        """Remove the line."""
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", err=True, nl=False)

    def end(self, seconds: float) -> None:
        """Print the total."""
        click.echo(f"\r{self._what}: {self._done} events in {seconds:.1f} s")
