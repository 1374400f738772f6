"""The parts of the edge that are in C, where they were built."""

from __future__ import annotations

import importlib
from types import ModuleType


def built(name: str) -> ModuleType | None:
    """A part by its name, `None` where there was no C compiler when Parley was set up."""
    try:
        return importlib.import_module(f"web.native.{name}")
    except ImportError:
        return None
