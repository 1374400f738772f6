"""What a person at a terminal sees while something takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Console:
    """Lines on standard output; a step's line gets the seconds that it took."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._in_line = False

    @property
    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """A line of its own, in the middle of a step too."""
        print(f"\n{text}" if self._in_line else text, flush=True)
        self._in_line = False

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """`title …` at once, the seconds after it at its end."""
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
