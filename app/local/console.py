"""What `parley up` prints at a terminal while its parts start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Console:
    """Lines on standard output; the line of a step ends with its seconds."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._in_line = False

    @property
    def seconds(self) -> float:
        """Seconds since the console was made."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Print a line of its own, also within a step."""
        print(f"\n{text}" if self._in_line else text, flush=True)
        self._in_line = False

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print `title …` at once, and the seconds behind it at the end."""
        print(f"  {title} … ", end="", flush=True)
        self._in_line = True
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self.say("")
            raise
        took = f"{time.monotonic() - began:.1f} s"
        print(took if self._in_line else f"  {title}: {took}", flush=True)
        self._in_line = False
